package dashboards

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/schemas/engine"
	"cagnotte/schemas/engine/enginetest"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

func TestMain(m *testing.M) {
	engine.HostIfChild()
	os.Exit(m.Run())
}

// newStore starts an engine with the product's schema and returns a store on it and a connection that may write.
func newStore(t *testing.T) (*store, driver.Conn) {
	t.Helper()
	e := enginetest.Start(t, t.TempDir())
	if err := schemas.Migrate(t.Context(), e.Addr, nil); err != nil {
		t.Fatal(err)
	}
	opts, err := schemas.ClickHouseOptions(e.Addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s, err := openStore(&Options{ClickHouseAddr: e.Addr, Observer: &Observer{OnQuery: func(name string, took time.Duration, err error) {
		if err != nil {
			t.Logf("query %s: %v", name, err)
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s, conn
}

func execAll(t *testing.T, conn driver.Conn, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%v\n%s", err, q)
		}
	}
}

const (
	testMembers  = 3000
	testHoldout  = 1000 // basis points
	testCampaign = "coffee-week"
)

// seedShop fills the raw tables with a campaign of one week over 3000 members and 10 stores, of which S00 to S03 are hyper. Each member has
// one receipt of 40.00 before the window; members of the treatment arm with an even number come once in it for 60.00, held-out ones for 50.00.
// One in three of those who come has 2.00 granted (or as a ghost); S00..S03 grow by a tenth.
func seedShop(t *testing.T, conn driver.Conn) {
	t.Helper()
	arm := fmt.Sprintf("if(xxHash64(concat('%s|', account_id)) %% 10000 < %d, 'HOLDOUT', 'TREATMENT')", testCampaign, testHoldout)
	member := fmt.Sprintf("SELECT number, concat('M', toString(number)) AS account_id, %s AS arm FROM numbers(%d)", arm, testMembers)
	execAll(t, conn,
		fmt.Sprintf("INSERT INTO cagnotte_raw.campaigns (campaign, version, valid, window_from, window_to, tz, holdout_bp) VALUES ('%s', 1, 1, '2026-11-02 00:00:00', '2026-11-09 00:00:00', 'UTC', %d)", testCampaign, testHoldout),
		`INSERT INTO cagnotte_raw.receipts (receipt_id, type, store_id, banner, business_date, ended_at, account_id, total_minor, _offset)
		 SELECT concat('before-', account_id), 'SALE', concat('S0', toString(number % 10)), if(number % 10 < 4, 'hyper', 'market'), '2026-10-20', '2026-10-20 10:00:00', account_id, 4000, number FROM (`+member+`)`,
		`INSERT INTO cagnotte_raw.receipts (receipt_id, type, store_id, banner, business_date, ended_at, account_id, total_minor, _offset)
		 SELECT concat('in-', account_id), 'SALE', 'S00', 'hyper', '2026-11-03', '2026-11-03 10:00:00', account_id, if(arm = 'HOLDOUT', 5000, 6000), number FROM (`+member+`) WHERE number % 2 = 0`,
		`INSERT INTO cagnotte_raw.decisions (receipt_id, account_id, ended_at, results.campaign, results.campaign_version, results.arm, results.outcome, results.basis_minor, results.desired_minor, results.granted_minor, results.capped_by, results.period, results.active_from, results.expires_at, results.funding_party, results.funding_rate_ppm, results.step_node, results.step_code, results.step_passed, results.step_unit, results.step_observed, results.step_expected, results.step_observed_text, results.step_expected_text)
		 SELECT concat('in-', account_id), account_id, '2026-11-03 10:00:00', ['`+testCampaign+`'], [1], [arm], [if(number % 6 = 0, if(arm = 'HOLDOUT', 'HELD_OUT', 'AWARDED'), 'BELOW_THRESHOLD')], [2000], [if(number % 6 = 0, 200, 0)], [if(number % 6 = 0 AND arm = 'TREATMENT', 200, 0)], [''], [0], [toDateTime64(0, 3, 'UTC')], [toDateTime64(0, 3, 'UTC')], [[]], [[]], [[]], [[]], [[]], [[]], [[]], [[]], [[]], [[]] FROM (`+member+`) WHERE number % 2 = 0`,
		`INSERT INTO cagnotte_raw.ledger_entries (account_id, seq, kind, amount_minor, campaign, receipt_id, at, processed_at, postings.book, postings.party, postings.amount_minor)
		 SELECT account_id, 1, 'EARN', 200, '`+testCampaign+`', concat('in-', account_id), toDateTime64('2026-11-03 10:00:00', 3, 'UTC') + toIntervalHour(number % 5), '2026-11-03 12:00:00',
		 ['FUNDING', 'FUNDING', 'MEMBER_PENDING'], ['retailer', 'supplier', account_id], [-150, -50, 200] FROM (`+member+`) WHERE number % 6 = 0 AND arm = 'TREATMENT'`,
		`INSERT INTO cagnotte_raw.ledger_entries (account_id, seq, kind, amount_minor, campaign, receipt_id, at, processed_at, postings.book, postings.party, postings.amount_minor)
		 SELECT account_id, 2, 'REVERSE', -200, '`+testCampaign+`', 'back', '2026-11-04 10:00:00', '2026-11-04 12:00:00',
		 ['FUNDING', 'FUNDING', 'MEMBER_PENDING'], ['retailer', 'supplier', account_id], [150, 50, -200] FROM (`+member+`) WHERE number % 6 = 0 AND arm = 'TREATMENT' ORDER BY number LIMIT 3`,
		`INSERT INTO cagnotte_raw.dead_letters (topic, partition, offset, received_at, stage, code, path, detail, store_id) VALUES
		 ('cagnotte.receipts', 0, 1, now64(3), 'VALIDATE', 'RCP-0005', '/total_minor', 'first', 'S01'), ('cagnotte.receipts', 0, 2, now64(3), 'VALIDATE', 'RCP-0005', '/total_minor', 'second', 'S02'),
		 ('cagnotte.receipts', 0, 3, now64(3) - toIntervalDay(3), 'DECODE', 'RCP-0001', '', 'old', '')`,
	)
	// Traffic without members: 28 days before and 7 during, 200 receipts a day and store with a little of its own in each; the newest day is not whole.
	execAll(t, conn, `INSERT INTO cagnotte_raw.receipts (receipt_id, type, store_id, banner, business_date, ended_at, total_minor, _offset)
		SELECT concat('t-', toString(store), '-', toString(day), '-', toString(n)), 'SALE', concat('S0', toString(store)), if(store < 4, 'hyper', 'market'), toDate('2026-10-05') + day, toDateTime64(toDate('2026-10-05') + day, 3, 'UTC'), 1000, n
		FROM (SELECT arrayJoin(range(10)) AS store, arrayJoin(range(36)) AS day, arrayJoin(range(240)) AS n)
		WHERE n < if(day >= 28 AND store < 4, 220, 200) + (store * day) % 9`)
}

// TestStoreCampaign: goal, every block of a campaign's page against sums that follow from how the data were made.
func TestStoreCampaign(t *testing.T) {
	s, conn := newStore(t)
	seedShop(t, conn)
	doc := `{"id": "coffee-week", "version": 1, "name": "Coffee week", "window": {"from": "2026-11-02", "to": "2026-11-08", "tz": "UTC"}, "stores": {"banners": ["hyper"]}, "reward": {"percent": 10}, "holdout": 10}`
	c, problems := rules.Parse(testCampaign, []byte(doc))
	if c == nil {
		t.Fatalf("%v", problems)
	}

	m, err := s.memberStats(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if n := m.eligibleT + m.eligibleC; n != testMembers || m.allT != m.eligibleT {
		t.Errorf("eligible %d + %d, all %d, want %d together", m.eligibleT, m.eligibleC, m.allT, testMembers)
	}
	if share := float64(m.eligibleC) / testMembers; math.Abs(share-.1) > .02 {
		t.Errorf("held out %.3f of the members, want about .1", share)
	}
	if m.spendT.Sum != float64(6000*m.activeT) || m.spendT.SumSq != 6000*6000*float64(m.activeT) || m.visitsT.Sum != float64(m.activeT) || m.spendC.Sum != float64(5000*m.activeC) {
		t.Errorf("moments %+v", m)
	}
	if m.activeT+m.activeC != testMembers/2 || m.participants < 400 || m.participants+m.ghosts != testMembers/6 {
		t.Errorf("active %d + %d, participants %d, ghosts %d", m.activeT, m.activeC, m.participants, m.ghosts)
	}

	cost, err := s.cost(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if cost.GrantedMinor != 200*m.participants || cost.ReversedMinor != 600 || cost.Receipts != m.participants {
		t.Errorf("cost %+v for %d participants", cost, m.participants)
	}
	net := cost.GrantedMinor - cost.ReversedMinor
	if len(cost.Funders) != 2 || cost.Funders[0] != (FunderCost{"retailer", net * 3 / 4}) || cost.Funders[1] != (FunderCost{"supplier", net / 4}) {
		t.Errorf("funders %+v of %d", cost.Funders, net)
	}
	// Zero before the first hour, four more hours, level until the returns of the next day, and they.
	if b := cost.Burn.NetMinor; len(b) < 7 || b[0] != 0 || b[len(b)-1] != net || b[len(b)-2] != cost.GrantedMinor {
		t.Errorf("burn %v", b)
	}

	outcomes, err := s.outcome(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, o := range outcomes {
		counts[o.Outcome] = o.Receipts
	}
	if counts["AWARDED"] != m.participants || counts["HELD_OUT"] != m.ghosts || counts["BELOW_THRESHOLD"] != testMembers/2-testMembers/6 {
		t.Errorf("outcomes %v", counts)
	}

	traffic, err := s.traffic(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	f := traffic.Uplift.Figure
	if f == nil || traffic.Uplift.NTreatment != 4 || traffic.Uplift.NControl != 6 || traffic.BeforeDays != 28 || traffic.DuringDays != 7 {
		t.Fatalf("traffic %+v", traffic)
	}
	if f.Low > .1 || f.High < .1 || f.Estimate < .05 {
		t.Errorf("uplift %+v, want about +10 %%", *f)
	}

	sameAsView(t, conn, m)
	letters, err := s.letters(t.Context())
	if err != nil || letters.Total != 2 || len(letters.Rows) != 1 || letters.Rows[0].Code != "RCP-0005" {
		t.Errorf("letters %+v, %v", letters, err)
	}
}

// TestStoreBase: goal, that what was committed before the first batch counted in memory is counted once, also when a batch was produced twice.
func TestStoreBase(t *testing.T) {
	s, conn := newStore(t)
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	batch := func(partition, counter, receipts, granted, offset int, at time.Time) string {
		return fmt.Sprintf("(%d, %d, fromUnixTimestamp64Milli(%d), %d, %d, %d, ['coffee'], [1], ['TREATMENT'], [now64(3)], [%d], [1], [1], [100], [1.], [%d], [0], [0], %d)",
			partition, counter, at.UnixMilli(), receipts, receipts/2, granted, receipts, granted, offset)
	}
	at := midnight.Add(time.Minute)
	values := []string{
		batch(0, 1, 10, 100, 1, midnight.Add(-time.Hour)),                                     // yesterday: in the campaign's sums, not in the day's
		batch(0, 2, 20, 200, 2, at), batch(0, 3, 30, 300, 3, at), batch(0, 3, 31, 310, 4, at), // 3 came again: the later one counts
		batch(0, 4, 1000, 1000, 5, at), // counted in memory already
		batch(1, 1, 5, 50, 6, at),
	}
	execAll(t, conn, "INSERT INTO cagnotte_raw.metric_batches (task_partition, counter, as_of, receipts, members, granted_minor, cells.campaign, cells.campaign_version, cells.arm, cells.minute, cells.considered, cells.qualified, cells.rewarded, cells.basket_sum_minor, cells.basket_sum_sq, cells.granted_minor, cells.reversed_minor, cells.ghost_minor, _offset) VALUES "+strings.Join(values, ", "))
	b, _, err := s.base(t.Context(), map[int32]int64{0: 4}, midnight.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	if b.totals.Receipts != 20+31+5 || b.totals.GrantedMinor != 200+310+50 || !b.complete {
		t.Errorf("base %+v", b)
	}
	if c := b.campaigns["coffee"]; c.considered != 10+20+31+5 || c.granted != 100+200+310+50 {
		t.Errorf("campaign %+v", c)
	}
	if b, _, err = s.base(t.Context(), map[int32]int64{0: 4, 1: 3}, midnight.UnixMilli()); err != nil || b.complete {
		t.Errorf("batch 2 of task 1 has not arrived, and the base says that it is complete (%v)", err)
	}
	if got := mapLiteral(map[int32]int64{3: 1, -1: 2}); got != "{-1:2,3:1}" {
		t.Errorf("map literal %s", got)
	}
}

// TestStoreRefusesWrites: goal, that the pages' connection cannot change anything, whatever a query file says.
func TestStoreRefusesWrites(t *testing.T) {
	s, _ := newStore(t)
	s.r.named["evil"] = "TRUNCATE TABLE cagnotte_raw.receipts"
	if _, err := read[struct{}](t.Context(), s.r, "evil", nil); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// sameAsView compares with the data team's view, whose definitions the pages promise to use.
func sameAsView(t *testing.T, conn driver.Conn, m memberMoments) {
	t.Helper()
	var eligible, active, participants, ghosts uint64
	var spend int64
	var visits uint64
	for _, arm := range []string{"TREATMENT", "HOLDOUT"} {
		row := conn.QueryRow(t.Context(), "SELECT count(), countIf(visits > 0), countIf(granted_minor > 0), countIf(ghost_minor > 0), sum(spend_minor), sum(visits) FROM cagnotte.campaign_members WHERE campaign = 'coffee-week' AND arm = $1", arm)
		if err := row.Scan(&eligible, &active, &participants, &ghosts, &spend, &visits); err != nil {
			t.Fatal(err)
		}
		want := []float64{float64(m.eligibleT), float64(m.activeT), float64(m.participants), 0, m.spendT.Sum, m.visitsT.Sum}
		if arm == "HOLDOUT" {
			want = []float64{float64(m.eligibleC), float64(m.activeC), 0, float64(m.ghosts), m.spendC.Sum, m.visitsC.Sum}
		}
		got := []float64{float64(eligible), float64(active), float64(participants), float64(ghosts), float64(spend), float64(visits)}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the view says %v, the pages %v", arm, got, want)
		}
	}
}
