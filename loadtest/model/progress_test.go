package model

import (
	"testing"

	"cagnotte/loadtest/wire"
)

func day(d string) string { return "2026-12-" + d + "T12:00:00+01:00" }

// Returns of the tests close two days after their sale.
func TestPunchCard(t *testing.T) {
	card := yearDoc("c", "lines: {category: A}\nprogress: {count: pieces, target: 3, repeat: true}\nreward: {percent: 100}\n")
	buy := func(id, d string, cents, pieces int64) *wire.Receipt {
		return bought(id, day(d), lineOf("A", cents, pieces))
	}
	// The third piece completes at the mean of 2.00, 3.00 and 4.00; the fourth to sixth at the mean of six.
	run := newRun(t, card).feed(buy("r1", "01", 200, 1), buy("r2", "02", 300, 1), buy("r3", "03", 400, 1), buy("r4", "04", 900, 3))
	run.want("r3 c 300", "r4 c 300")
	// One piece back: five are left, one completion at (200+400+900)/5 = 300.
	run.feed(back("b", "r2", 1, 300, 1)).want("r3 c 300", "r4 c 300", "b c -300")
	// Late receipts count where they belong, and order does not matter to what stands.
	newRun(t, card).feed(buy("r4", "04", 900, 3), buy("r3", "03", 400, 1), back("b", "r2", 1, 300, 1), buy("r1", "01", 200, 1), buy("r2", "02", 300, 1)).
		want("r4 c 300", "r3 c 25", "r1 c -25")
	once := yearDoc("c", "progress: {count: pieces, target: 2, repeat: true, max: 2, per: month}\nreward: {fixed: 1}\n")
	newRun(t, once).feed(buy("r1", "01", 100, 9), buy("r2", "31", 100, 9)).want("r1 c 200")
}

func TestChallenges(t *testing.T) {
	spend := yearDoc("c", "progress: {count: spend, target: 20.00, per: week}\nreward: {percent: 10}\n")
	// Week of 30 November: 15 + 5; the Monday after begins anew. Above the target every euro counts.
	newRun(t, spend).feed(bought("r1", day("01"), line1("A", 1500)), bought("r2", day("06"), line1("A", 500)), bought("r3", day("07"), line1("A", 1900)), bought("r4", day("05"), line1("A", 100))).
		want("r2 c 200", "r4 c 10")
	products := yearDoc("c", "progress: {count: products, target: 2}\nreward: {fixed: 1}\n")
	newRun(t, products).feed(sale("r1", line1("A", 100), line1("A", 100)), sale("r2", line1("B", 100)), back("b", "r1", 1, 100, 1), back("d", "r1", 2, 100, 1)).
		want("r2 c 100", "d c -100")
	receipts := yearDoc("c", "when: {min_spend: 10}\nprogress: {count: receipts, target: 2}\nreward: {fixed: 1}\n")
	newRun(t, receipts).feed(sale("r1", line1("A", 1000)), sale("r2", line1("A", 999)), sale("r3", line1("A", 2000)), back("b", "r1", 1, 1, 0)).want("r3 c 100", "b c -100")
	days := yearDoc("c", "progress: {count: days, target: 2}\nreward: {fixed: 1}\n")
	newRun(t, days).feed(sale("r1", line1("A", 1)), sale("r2", line1("A", 1)), bought("r3", day("05"), line1("A", 1))).want("r3 c 100")
	some := yearDoc("c", "progress: {objectives: [{name: a, lines: {category: A}, target: 2}, {name: b, lines: {category: B}, count: spend, target: 5}, {name: c, lines: {category: C}, target: 1}], need: 2}\nreward: {fixed: 1}\n")
	newRun(t, some).feed(sale("r1", lineOf("A", 100, 2), line1("B", 499)), sale("r2", line1("B", 1))).want("r2 c 100")
	ladder := yearDoc("c", "progress: {count: spend}\nreward: {ladder: [{reach: 10, get: 1}, {reach: 30, get: 5}]}\n")
	newRun(t, ladder).feed(sale("r1", line1("A", 1500)), sale("r2", line1("A", 1500)), back("b", "r1", 1, 600, 0)).want("r1 c 100", "r2 c 400", "b c -400")
}

func TestStreaksAndRollingWindows(t *testing.T) {
	buy := func(id, at string) *wire.Receipt { return bought(id, at, line1("A", 100)) }
	streak := func(rest string) string {
		return yearDoc("c", "progress: {count: receipts, target: 1, per: day, streak: 2"+rest+"}\nreward: {fixed: 1}\n")
	}
	// The 3rd closes the gap between two runs of one: a run of three holds one streak of two, with the 4th day a second one.
	newRun(t, streak(", repeat: true")).feed(buy("r2", day("02")), buy("r4", day("04")), buy("r3", day("03")), buy("r5", day("05"))).want("r3 c 100", "r5 c 100")
	newRun(t, streak("")).feed(buy("r2", day("02")), buy("r4", day("04")), buy("r3", day("03")), buy("r5", day("05")), back("b", "r3", 1, 100, 1), back("d", "r5", 1, 100, 1)).
		want("r3 c 100", "d c -100")
	rolling := yearDoc("c", "progress: {count: pieces, target: 2, per: {rolling: 3d}, repeat: true}\nreward: {fixed: 1}\n")
	// 1st and 3rd are within three days; 4th starts anew, the 7th is too late for it; 7th and 8th.
	newRun(t, rolling).feed(buy("a", day("01")), buy("b", day("03")), buy("c", day("04")), buy("d", day("07")), buy("e", day("08"))).want("b c 100", "e c 100")
}

func TestProgressKeptOnceSpendable(t *testing.T) {
	doc := func(policy string) string {
		return yearDoc("c", "progress: {count: pieces, target: 1, repeat: true}\nreward: {fixed: 1}\nvalidity: {pending: 1h}\nreturns: {progress: "+policy+"}\n")
	}
	soon := back("b", "r", 1, 100, 1) // a minute after the sale: still pending
	late := back("d", "r", 1, 100, 1)
	late.EndedAt += 2 * 3_600_000
	for policy, want := range map[string][]string{"revoke": {"r c 200", "b c -100", "d c -100"}, "keep_once_completed": {"r c 200", "b c -100"}} {
		newRun(t, doc(policy)).feed(sale("r", lineOf("A", 200, 2)), soon, late).want(want...)
	}
}

func TestProgressOfTheHeldOutIsAGhost(t *testing.T) {
	run := newRun(t, yearDoc("c", "progress: {count: pieces, target: 1, repeat: true}\nreward: {fixed: 1}\nholdout: 100\n"))
	run.feed(sale("r", lineOf("A", 200, 2)), back("b", "r", 1, 100, 1)).want()
	if got := run.p.Expected().Ghosts["c"]; got != 100 {
		t.Errorf("ghost of %d", got)
	}
}
