package rules

import (
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

// LevelsSteady returns the span of instants around at within which no tiers document can lower anybody's level: from the last end of a period or of its
// grace to the next.
func (rs *Ruleset) LevelsSteady(at retail.Instant) (from, to retail.Instant) {
	from, to = -1<<63, 1<<63-1
	for _, i := range rs.tiers {
		r := &rs.rules[i]
		start, end := r.doc.Tiers.steady(at, r.loc)
		from, to = max(from, start), min(to, end)
	}
	return from, to
}

func (t *Tiers) steady(at retail.Instant, loc *time.Location) (from, to retail.Instant) {
	y, m, _ := time.UnixMilli(int64(at)).In(loc).Date()
	start, next := time.Date(y, time.January, 1, 0, 0, 0, 0, loc), time.Date(y+1, time.January, 1, 0, 0, 0, 0, loc)
	if t.Per == PerMonth {
		start, next = time.Date(y, m, 1, 0, 0, 0, 0, loc), time.Date(y, m+1, 1, 0, 0, 0, 0, loc)
	}
	graced := start.AddDate(0, 0, int(t.GraceDays))
	switch now := time.UnixMilli(int64(at)); {
	case !graced.Before(next):
	case now.Before(graced):
		next = graced
	default:
		start = graced
	}
	return retail.Instant(start.UnixMilli()), retail.Instant(next.UnixMilli())
}

// Climbed reports whether a level that was reached at an instant is above what the member had already, from earlier periods or from the start.
// counters are those after the receipt.
func (rs *Ruleset) Climbed(campaign uint64, version int32, counters []ledger.Counter, at retail.Instant) bool {
	i, found := rs.byVersion[versionKey{campaign, version}]
	if !found {
		return false
	}
	r := &rs.rules[i]
	level, _ := r.doc.Tiers.sums(counters, ordinalOf(r.doc.Tiers.Per, at, r.loc))
	return level > r.doc.Tiers.brought(counters, at, r.loc)
}

// Fell returns the level that a member had at an instant and the lower one at a later; ok is false when it is not lower.
func (rs *Ruleset) Fell(campaign uint64, version int32, counters []ledger.Counter, before, at retail.Instant) (was, is string, ok bool) {
	i, found := rs.byVersion[versionKey{campaign, version}]
	if !found {
		return "", "", false
	}
	r := &rs.rules[i]
	t := &r.doc.Tiers
	from, to := t.at(counters, before, r.loc), t.at(counters, at, r.loc)
	return t.name(from), t.name(to), to < from
}
