package pipeline

import (
	"slices"
	"testing"
	"time"

	"cagnotte/schemas"
)

var noticeDocs = []string{`
id: coffee
version: 1
name: Coffee
window: {from: 2000-01-01, tz: UTC}
progress: {count: spend, target: 30.00}
reward: {fixed: 2.00, badge: barista}
`, `
id: told
version: 1
name: Told
window: {from: 2000-01-01, tz: UTC}
progress: {count: receipts, target: 3}
reward: {fixed: 5.00, wallet: points}
notify: true
`, `
id: levels
version: 1
name: Levels
window: {from: 2000-01-01, tz: UTC}
tiers: {count: spend, per: year, levels: [{name: bronze, from: 0}, {name: silver, from: 25}]}
`, `
id: welcome
version: 1
name: Welcome
window: {from: 2000-01-01, tz: UTC}
event: welcome
reward: {fixed: 1.00}
notify: true
`}

// M22: a goal that is reached, a level and a badge are told; each step and each reward only for documents that say notify: true. A return tells nothing,
// a repeat neither, and ids are made of what happened.
func TestNotificationsOfCampaigns(t *testing.T) {
	l := newLife(t, noticeDocs...)
	l.sale("r1", 1000)
	l.says("PROGRESS told 1/3")
	l.sale("r2", 2000)
	l.says("COMPLETED coffee 30.00/30.00", "BADGE coffee barista/", "TIER_UP levels silver/", "PROGRESS told 2/3")
	first := slices.Clone(l.told)
	l.judge(returnOf("r3", "r1", 1000))
	l.says()
	l.sale("r4", 100)
	l.says("PROGRESS told 2/3") // one of the two is back
	l.sale("r5", 100)
	l.says("COMPLETED told 3/3", "EARNED told /")
	if n := l.told[1]; n.Amount != 500 || n.Wallet != "points" || n.Account != "m" || n.Reference != "r5" || n.TextKey != "notification.EARNED" {
		t.Errorf("%+v", n)
	}
	l.event("e1", "s1", "welcome")
	l.says("EARNED welcome /")
	l.event("e1", "s1", "welcome")
	l.says()
	again := newLife(t, noticeDocs...)
	again.sale("r1", 1000)
	if again.sale("r2", 2000); !slices.Equal(again.told, first) {
		t.Errorf("the second time %+v, the first %+v", again.told, first)
	}
}

// D27: levels are lost at the end of a period alone, which the next receipt tells; what is brought along from the period before is not reached again.
func TestNotificationsOfLevels(t *testing.T) {
	l := newLife(t, noticeDocs[2])
	year := func(y int) { l.now = time.Date(y, 2, 1, 10, 0, 0, 0, time.UTC) }
	sale := func(id string, net int64, want ...string) {
		t.Helper()
		l.sale(id, net)
		l.told = slices.DeleteFunc(l.told, func(n schemas.Notification) bool { return n.Campaign != "levels" })
		l.says(want...)
	}
	year(2026)
	sale("r1", 2600, "TIER_UP levels silver/")
	year(2027)
	sale("r2", 100)  // brought along
	sale("r3", 2600) // reached again, and was never lost
	year(2028)
	sale("r4", 100)
	year(2029)
	sale("r5", 100, "TIER_DOWN levels bronze/silver")
	sale("r6", 100)
	late := saleOf("r7", 100)
	l.now = l.now.AddDate(-1, 0, 0)
	l.judge(late)
	l.says()
	year(2030)
	sale("r8", 2600, "TIER_UP levels silver/")
}

// says compares what was told with lines of type, campaign, value and target.
func (l *life) says(want ...string) {
	l.t.Helper()
	var got []string
	for _, n := range l.told {
		got = append(got, n.Type+" "+n.Campaign+" "+n.Value+"/"+n.Target)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.t.Fatalf("told %q, want %q", got, want)
	}
}
