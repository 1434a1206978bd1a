package dashboards

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/rules"
)

const (
	letterHours = 24
	beforeDays  = 28 // of store traffic: four whole weeks
)

// store asks ClickHouse for history and members. Safe for concurrent use.
type store struct {
	r        *reader
	members  *cache[memberMoments]
	all      *cache[int64]
	stores   *cache[Traffic]
	costs    *cache[Cost]
	outcomes *cache[[]OutcomeRow]
}

func openStore(o *Options) (*store, error) {
	r, err := openReader(o.ClickHouseAddr, o.Observer.OnQuery)
	if err != nil {
		return nil, err
	}
	const most = 500
	return &store{
		r: r, members: newCache[memberMoments](time.Second, most), all: newCache[int64](30*time.Second, most),
		stores: newCache[Traffic](30*time.Second, most), costs: newCache[Cost](time.Second, most), outcomes: newCache[[]OutcomeRow](4*time.Second, most),
	}, nil
}

func (s *store) close() { s.r.close() }

// base reads what was committed before the first batches counted here: today's sums from the midnight given, each campaign's sums, and the
// last hour's steps. It is complete when every task's earlier batches have arrived in ClickHouse.
func (s *store) base(ctx context.Context, firsts map[int32]int64, midnight int64) (base, []historyStep, error) {
	b := base{loaded: true, complete: true, day: midnight, campaigns: map[string]tally{}}
	p := params{"firsts": mapLiteral(firsts), "since_ms": strconv.FormatInt(midnight, 10)}
	rows, err := read[baseRow](ctx, s.r, "base_totals", p)
	if err != nil {
		return b, nil, err
	}
	sunk := map[int32]int64{}
	for i := range rows {
		r := &rows[i]
		sunk[r.Partition] = r.Sunk
		b.totals.add(&Totals{
			Receipts: r.Receipts, Members: r.Members, Duplicates: r.Duplicates, Rejected: r.Rejected, Forwarded: r.Forwarded,
			NetMinor: r.Net, GrantedMinor: r.Granted, ReversedMinor: r.Reversed,
		}, 1)
	}
	for task, first := range firsts {
		b.complete = b.complete && sunk[task] >= first-1
	}
	cells, err := read[tallyRow](ctx, s.r, "base_campaigns", params{"firsts": p["firsts"]})
	if err != nil {
		return b, nil, err
	}
	for _, c := range cells {
		b.campaigns[c.Campaign] = tally{c.Considered, c.Rewarded, c.Granted, c.Reversed}
	}
	since := time.Now().UnixMilli() - seriesSteps*seriesStepMs
	steps, err := read[historyStep](ctx, s.r, "base_steps", params{"firsts": p["firsts"], "since_ms": strconv.FormatInt(since, 10), "step_ms": strconv.Itoa(seriesStepMs)})
	return b, steps, err
}

type baseRow struct {
	Partition  int32 `ch:"partition"`
	Sunk       int64 `ch:"sunk"`
	Receipts   int64 `ch:"receipts_sum"`
	Members    int64 `ch:"members_sum"`
	Duplicates int64 `ch:"duplicates_sum"`
	Rejected   int64 `ch:"rejected_sum"`
	Forwarded  int64 `ch:"forwarded_sum"`
	Net        int64 `ch:"net_sum"`
	Granted    int64 `ch:"granted_sum"`
	Reversed   int64 `ch:"reversed_sum"`
}

type tallyRow struct {
	Campaign   string `ch:"campaign"`
	Considered int64  `ch:"considered"`
	Rewarded   int64  `ch:"rewarded"`
	Granted    int64  `ch:"granted_minor"`
	Reversed   int64  `ch:"reversed_minor"`
}

// mapLiteral writes a map as ClickHouse reads a parameter of type Map(Int32, Int64), in key order.
func mapLiteral(m map[int32]int64) string {
	keys := make([]int32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d:%d", k, m[k])
	}
	b.WriteByte('}')
	return b.String()
}

// rate reads one campaign's participation for its row.
func (s *store) rate(ctx context.Context, c *rules.Campaign) (*Participant, error) {
	m, err := s.memberStats(ctx, c)
	if err != nil {
		return nil, err
	}
	return m.participation(), nil
}

func (m *memberMoments) participation() *Participant {
	return &Participant{Participants: m.participants, Eligible: m.eligibleT, Rate: measure.Wilson(m.participants, m.eligibleT, level), AsOfMs: m.asOfMs}
}

// letters reads what was refused lately, by code.
func (s *store) letters(ctx context.Context) (DeadLetters, error) {
	rows, err := read[struct {
		Code    string `ch:"code"`
		Letters uint64 `ch:"letters"`
		LastMs  int64  `ch:"last_ms"`
		Stage   string `ch:"last_stage"`
		Path    string `ch:"last_path"`
		Detail  string `ch:"last_detail"`
		Store   string `ch:"last_store"`
	}](ctx, s.r, "letters", params{"hours": strconv.Itoa(letterHours)})
	if err != nil {
		return DeadLetters{}, err
	}
	out := DeadLetters{AsOfMs: time.Now().UnixMilli(), WindowHours: letterHours}
	for _, r := range rows {
		out.Total += int64(r.Letters)
		out.Rows = append(out.Rows, DeadLetterRow{r.Code, int64(r.Letters), r.LastMs, r.Stage, r.Path, clip(r.Detail, 160), r.Store})
	}
	return out, nil
}

// clip shortens a text that came from outside to at most so many runes.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// versionKey names a version of a campaign: another version may have another window or draw.
func versionKey(c *rules.Campaign) string { return c.ID + "@" + strconv.Itoa(int(c.Version)) }

// memberStats reads one campaign's members.
func (s *store) memberStats(ctx context.Context, c *rules.Campaign) (memberMoments, error) {
	return s.members.get(versionKey(c), func() (memberMoments, error) {
		rows, err := read[armRow](ctx, s.r, "members", memberParams(c, time.Now()))
		if err != nil {
			return memberMoments{}, err
		}
		all, err := s.allMembers(ctx, c)
		if err != nil {
			return memberMoments{}, err
		}
		m := memberMoments{allT: all}
		for i := range rows {
			m.addArm(&rows[i])
		}
		return m, nil
	})
}

// memberParams names the campaign's window; one without an end ends now.
func memberParams(c *rules.Campaign, now time.Time) params {
	to := int64(c.Window.To)
	if to == 0 {
		to = now.UnixMilli()
	}
	return params{
		"campaign": c.ID, "t0_ms": strconv.FormatInt(int64(c.Window.From), 10), "t1_ms": strconv.FormatInt(to, 10), "holdout_bp": strconv.Itoa(int(c.HoldoutBP)),
	}
}

func (s *store) allMembers(ctx context.Context, c *rules.Campaign) (int64, error) {
	return s.all.get(versionKey(c), func() (int64, error) {
		rows, err := read[struct {
			Members uint64 `ch:"members"`
		}](ctx, s.r, "all_members", params{"campaign": c.ID, "holdout_bp": strconv.Itoa(int(c.HoldoutBP))})
		if err != nil || len(rows) == 0 {
			return 0, err
		}
		return int64(rows[0].Members), nil
	})
}

type armRow struct {
	Arm          string  `ch:"arm"`
	Eligible     uint64  `ch:"eligible"`
	Active       uint64  `ch:"active"`
	Participants uint64  `ch:"participants"`
	Ghosts       uint64  `ch:"ghosts"`
	SpendSum     float64 `ch:"spend_sum"`
	SpendSumSq   float64 `ch:"spend_sum_sq"`
	VisitsSum    float64 `ch:"visits_sum"`
	VisitsSumSq  float64 `ch:"visits_sum_sq"`
	AsOfMs       int64   `ch:"as_of_ms"`
}

func (m *memberMoments) addArm(r *armRow) {
	spend := measure.Moments{N: int64(r.Eligible), Sum: r.SpendSum, SumSq: r.SpendSumSq}
	visits := measure.Moments{N: int64(r.Eligible), Sum: r.VisitsSum, SumSq: r.VisitsSumSq}
	m.asOfMs = max(m.asOfMs, r.AsOfMs)
	if r.Arm == rules.Holdout.String() {
		m.eligibleC, m.activeC, m.ghosts, m.spendC, m.visitsC = int64(r.Eligible), int64(r.Active), int64(r.Ghosts), spend, visits
		return
	}
	m.eligibleT, m.activeT, m.participants, m.spendT, m.visitsT = int64(r.Eligible), int64(r.Active), int64(r.Participants), spend, visits
}
