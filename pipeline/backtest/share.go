package backtest

import (
	"slices"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// Most receipts of a comparison concern no draft: the live set with the drafts decides them as the live set alone does, as long as what the live
// campaigns remember of the member is alike in both worlds. Such a receipt is judged once and booked twice.

// mayShare reports whether a draft that is no candidate on a receipt leaves everything else on it as it is. A draft in the place of a live campaign
// takes it away, a multiplier looks at what others give, and levels are asked for by others.
func (j *job) mayShare() bool {
	if !j.o.Compare || j.o.apart {
		return false
	}
	for _, d := range j.drafts {
		replaces := slices.ContainsFunc(j.live, func(c *rules.Campaign) bool { return c.ID == d.ID })
		if replaces || len(d.Tiers.Levels) > 0 || len(d.Reward.Times.Of) > 0 {
			return false
		}
	}
	return true
}

// alike reports that the live set alone would decide the receipt at hand as the world with the drafts has just done.
func (w *worker) alike(m *member) bool {
	return w.job.shared && !m.apart && !w.ofDraft(w.worlds[with].decision.Results)
}

func (w *worker) ofDraft(results []rules.Result) bool {
	return slices.ContainsFunc(results, func(r rules.Result) bool { return w.isDraft(&r) })
}

func (w *worker) isDraft(r *rules.Result) bool {
	s := w.job.subjectOf(r)
	return s >= 0 && w.job.subjects[s].draft
}

// sameAgain books for the live set alone what the other world has decided.
func (w *worker) sameAgain(r *retail.Receipt, m *member, p *place) error {
	x := w.worlds[with]
	w.postAs(r, m, without, x)
	if p.at[with] == 0 {
		return nil
	}
	at, err := w.worlds[without].keepValue(x.value)
	p.at[without] = at
	return err
}

// compare notes when the live campaigns did otherwise because of a draft: from then on what they know of the member differs.
func (w *worker) compare(m *member) {
	if w.job.shared && !m.apart {
		m.apart = !w.liveAlike(w.worlds[with].decision.Results, w.worlds[without].decision.Results)
	}
}

// liveAlike compares what the live campaigns posted in both worlds. Their order is the same, as it hangs on the documents alone.
func (w *worker) liveAlike(joined, alone []rules.Result) bool {
	for i := range joined {
		r := &joined[i]
		if w.isDraft(r) {
			continue
		}
		if len(alone) == 0 || !w.postsAlike(r, &alone[0]) {
			return false
		}
		alone = alone[1:]
	}
	return len(alone) == 0
}

// postsAlike compares what later receipts can feel: the use of a cap, and counters. What a campaign without either gave is over with its receipt.
func (w *worker) postsAlike(a, b *rules.Result) bool {
	if a.CampaignKey != b.CampaignKey || a.Version != b.Version || !slices.Equal(a.Advances, b.Advances) {
		return false
	}
	s := w.job.subjectOf(a)
	return a.Granted == b.Granted && a.Period == b.Period || s >= 0 && !w.job.subjects[s].capped
}

// capped reports whether a version of the live campaign has a member cap.
func (j *job) capped(id string) bool {
	return slices.ContainsFunc(j.live, func(c *rules.Campaign) bool { return c.ID == id && c.Reward.MaxPerMember.Amount != 0 })
}
