package rules

import (
	"slices"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Step codes of stateful campaigns.
const (
	StepProgress     StepCode = "progress"      // what the period has come to, against the next goal
	StepProgressLate StepCode = "progress_late" // the receipt is older than the periods that are remembered; it does not count
	StepTier         StepCode = "tier"          // the qualifying counter, against the next level
	StepTierUp       StepCode = "tier_up"       // a level was reached
)

// stateful is what a compiled rule knows of its progress, or of its tiers.
type stateful struct {
	counts    bool  // it does not reward the receipt at hand but what receipts come to
	objective int32 // its number among those of the parent; 0 when it has none
	parent    int32 // the campaign's own rule, in which rewards are written; itself without objectives
	first     int32 // slots of the window
	last      int32
	whole     int32  // slot of what stands over all slots
	needs     uint8  // bit per key: which sums are kept
	owner     uint64 // key of the campaign, of an objective's rule
	kind      CountKind
}

// newStateful compiles progress and tiers of a rule.
func (r *rule) newStateful() {
	p, t := &r.doc.Progress, &r.doc.Tiers
	switch {
	case p.given():
		r.state.kind = p.Count
		r.state.first, r.state.last = p.slotOf(r.doc.Window.From, r.loc), slotWhole-1
		if to := r.doc.Window.To; to != 0 {
			r.state.last = p.slotOf(to-1, r.loc)
		}
	case t.given():
		r.state.kind = t.Count
		r.state.last = slotWhole - 1
	default:
		return
	}
	r.state.counts = true
	r.state.whole = slotWhole + r.version&(1<<10-1)
	r.state.needs = needsOf(r.state.kind, r.doc.Reward.Percent != 0)
}

// needsOf says which sums a count keeps.
func needsOf(kind CountKind, percent bool) (needs uint8) {
	switch kind {
	case CountPieces:
		needs = 1 << keyPieces
	case CountSpend, CountAmount:
		needs = 1 << keySpend
	case CountReceipts:
		needs = 1 << keyReceipts
	}
	if percent && !kind.money() {
		needs |= 1<<keyPieces | 1<<keySpend
	}
	return needs
}

// expand gives each objective a rule of its own, that finds and counts its lines for the campaign: versions are chosen already.
func (rs *Ruleset) expand() {
	for i := range rs.rules {
		r := &rs.rules[i]
		r.newStateful()
		if r.state.counts && len(r.doc.Progress.Objectives) == 0 {
			r.indexed = true
			continue
		}
		r.indexed = !r.state.counts
	}
	var all []rule
	for i := range rs.rules {
		r := rs.rules[i]
		all = append(all, r)
		for n := range r.doc.Progress.Objectives {
			all = append(all, r.objective(n))
		}
	}
	rs.rules = all
}

// objective returns the rule that counts for one objective.
func (r *rule) objective(n int) rule {
	o := &r.doc.Progress.Objectives[n]
	part := *r
	doc := *r.doc
	doc.Lines = o.Lines
	part.doc, part.key = &doc, CampaignKey(r.id+"#"+o.Name)
	part.everyLine = o.Lines.Include.empty()
	part.byLabel = len(o.Lines.Include.Label) > 0
	part.indexed = true
	part.state.objective, part.state.kind, part.state.owner = int32(n), o.Count, r.key
	part.state.needs = needsOf(o.Count, false)
	return part
}

// parents tells each counting rule where its campaign is: rules are in their final order.
func (rs *Ruleset) parents() {
	for i := range rs.rules {
		r := &rs.rules[i]
		if r.doc.Tiers.given() {
			rs.tiers = append(rs.tiers, int32(i))
		}
		if r.state.counts {
			r.state.parent = rs.byVersion[versionKey{r.owner(), r.version}]
			rs.products = rs.products || r.state.kind == CountProducts
		}
	}
}

// owner is the key of the campaign that the rule is for: its own, or that of the campaign whose objective it counts.
func (r *rule) owner() uint64 {
	if r.state.owner != 0 {
		return r.state.owner
	}
	return r.key
}

// part is what a receipt adds to the counters of one campaign; a return changes it.
type part struct {
	advances []Advance
}

func (p *part) add(slot int32, key uint32, delta int64) {
	if delta == 0 {
		return
	}
	for i := range p.advances {
		if a := &p.advances[i]; a.Slot == slot && a.Key == key {
			a.Delta += delta
			return
		}
	}
	p.advances = append(p.advances, Advance{slot, key, delta})
}

// counted adds (sign 1) or takes off (-1) what the candidate's lines come to. ended is the sale's close. Lines of a footprint are told by counts, those
// of a receipt by the candidate's pairs.
func (e *Evaluator) counted(p *part, c *candidate, ended retail.Instant, sign int64) {
	r := c.rule
	if !r.meets(&c.basis, e.total) {
		return
	}
	slot := r.slotAt(ended)
	base := uint32(r.state.objective * objectiveKeys)
	if r.state.needs&(1<<keyPieces) != 0 {
		p.add(slot, base+keyPieces, sign*c.basis.pieces)
	}
	if r.state.needs&(1<<keySpend) != 0 {
		p.add(slot, base+keySpend, sign*int64(c.basis.net))
	}
	if r.state.needs&(1<<keyReceipts) != 0 {
		p.add(slot, base+keyReceipts, sign)
	}
	switch r.state.kind {
	case CountDays:
		day := uint32(ordinalOf(PerDay, ended, r.loc)) & (1<<dayKeyBits - 1)
		p.add(slot, keyDay+uint32(r.state.objective)<<dayKeyBits+day, sign)
	case CountProducts:
		e.line(c)
		for _, i := range e.own {
			if tag := e.tags[i]; tag != 0 && e.lines[i].net > 0 {
				p.add(slot, keyProduct+uint32(r.state.objective)<<productKeyBits+tag&(1<<productKeyBits-1), sign)
			}
		}
	}
}

// slotAt is the slot in which a receipt counts.
func (r *rule) slotAt(ended retail.Instant) int32 {
	if r.doc.Tiers.given() {
		return ordinalOf(r.doc.Tiers.Per, ended, r.loc)
	}
	return r.doc.Progress.slotOf(ended, r.loc)
}

// meets reports whether a receipt may count for the campaign at all.
func (r *rule) meets(b *basis, basket money.Amount) bool {
	w := &r.doc.When
	return (b.net > 0 || b.net == 0 && b.pieces > 0) && b.net >= w.MinSpend && b.pieces >= w.MinQuantity && (w.MinBasket == 0 || basket >= w.MinBasket)
}

// after writes the counters as they will be: both lists are sorted, advances are few.
func (e *Evaluator) after(now []ledger.Counter, campaign uint64, advances []Advance) []ledger.Counter {
	e.future = append(e.future[:0], now...)
	for _, a := range advances {
		i, found := slices.BinarySearchFunc(e.future, a, func(c ledger.Counter, a Advance) int {
			return cmpOr(order(int64(c.Slot), int64(a.Slot)), order(int64(c.Key), int64(a.Key)))
		})
		if found {
			e.future[i].Value += a.Delta
			continue
		}
		e.future = slices.Insert(e.future, i, ledger.Counter{Campaign: campaign, Slot: a.Slot, Key: a.Key, Value: a.Delta})
	}
	return e.future
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// scope returns the counters that decide what the campaign owes: those of the slot, or of its window when it looks over several.
func (r *rule) scope(list []ledger.Counter, slot int32) []ledger.Counter {
	if r.doc.Tiers.given() || !r.doc.Progress.overAll() {
		return slotIn(list, slot)
	}
	from := 0
	for from < len(list) && list[from].Slot < r.state.first {
		from++
	}
	to := from
	for to < len(list) && list[to].Slot <= r.state.last {
		to++
	}
	return list[from:to]
}

// home is the slot where what stands granted is kept.
func (r *rule) home(slot int32) int32 {
	if r.doc.Progress.overAll() {
		return r.state.whole
	}
	return slot
}

// tooLate reports whether the slot may have been forgotten: then its sums are not what they were.
func tooLate(list []ledger.Counter, slot int32) bool {
	if len(list) == 0 || slot >= list[0].Slot {
		return false
	}
	slots := 0
	for rest := list; len(rest) > 0; slots++ {
		_, rest = nextSlot(rest)
	}
	return slots >= maxPeriods
}
