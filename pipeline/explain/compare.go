package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// Derived is a decision that was reached a second time, from the log.
type Derived struct {
	Results []rules.Result
	Entries []ledger.Entry // caused by the receipt
	Records int64          // read
	Judged  int64          // of them the member's
	From    int64          // first offset that the log still had
	To      int64          // the receipt's
	Ruleset int64
	Instead string // what became of the record when it was not accepted this time: refused, duplicate
}

// maxDifferences bounds the list of a decision that has little in common with its derivation.
const maxDifferences = 50

// Verify compares the recorded decision with a derived one and adds what came of it to the explanation.
func (e *Explainer) Verify(x *Explanation, f *Facts, d *Derived) {
	recorded := &Decision{}
	if f.Decision != nil {
		recorded = f.Decision
	}
	c := comparison{}
	if f.Receipt != nil {
		c.account = f.Receipt.Account
	}
	c.differ(string(f.ReceiptID), "accepted", "yes", cmp.Or(d.Instead, "yes"))
	c.results(recorded.Results, d.Results)
	c.entries(caused(f.Entries, f.ReceiptID), caused(d.Entries, f.ReceiptID))
	v := &Verification{
		Identical: len(c.found) == 0, Records: d.Records, Judged: d.Judged, From: d.From, To: d.To, Ruleset: d.Ruleset,
		Results: len(d.Results), Steps: c.steps, Entries: c.booked, Differences: c.found,
	}
	if f.Receipt != nil {
		v.Partition = f.Receipt.Partition
	}
	v.Text = verdict(x.words, v)
	if budgeted(recorded.Results) {
		v.Text += x.words.say("verify.budget")
	}
	x.Verification = v
}

// budgeted reports whether a budget cut what a campaign gave. What a lease had left follows from other members' receipts on all partitions, so that
// alone is taken from the record.
func budgeted(results []rules.Result) bool {
	return slices.ContainsFunc(results, func(r rules.Result) bool { return r.CappedBy == "budget" })
}

func verdict(w *words, v *Verification) string {
	pairs := []string{
		"results", w.number(int64(v.Results)), "steps", w.number(int64(v.Steps)), "entries", w.number(int64(v.Entries)), "records", w.number(v.Records),
		"judged", w.number(v.Judged), "partition", strconv.Itoa(int(v.Partition)), "ruleset", strconv.FormatInt(v.Ruleset, 10),
	}
	text := w.say("verify.same", pairs...)
	if !v.Identical {
		text = w.count("verify.differs", int64(len(v.Differences)), pairs...)
	}
	if v.From > 0 {
		text += w.say("verify.trimmed", "from", strconv.FormatInt(v.From, 10))
	}
	return text
}

// caused keeps the entries that a receipt caused: timers are dated by their schedule, whoever fires them.
func caused(entries []ledger.Entry, id retail.ReceiptID) (out []ledger.Entry) {
	for _, e := range entries {
		if e.Receipt == id && id != "" {
			out = append(out, e)
		}
	}
	return out
}

// comparison collects differences.
type comparison struct {
	account retail.AccountID // never shown
	found   []Difference
	steps   int
	booked  int
}

func (c *comparison) differ(where, what string, recorded, derived any) {
	if r, d := c.show(recorded), c.show(derived); r != d && len(c.found) < maxDifferences {
		c.found = append(c.found, Difference{Where: where, What: what, Recorded: r, Derived: d})
	}
}

// show renders a value; the member's token is masked.
func (c *comparison) show(v any) string {
	text := fmt.Sprint(v)
	if text == "" {
		return "–"
	}
	if c.account != "" {
		text = strings.ReplaceAll(text, string(c.account), Mask(c.account))
	}
	return text
}

func (c *comparison) results(recorded, derived []rules.Result) {
	for i := range recorded {
		r := &recorded[i]
		j := slices.IndexFunc(derived, func(d rules.Result) bool { return d.Campaign == r.Campaign })
		if j < 0 {
			c.differ(r.Campaign, "considered", "yes", "no")
			continue
		}
		if i < len(derived) && derived[i].Campaign != r.Campaign {
			c.differ(r.Campaign, "place in the order", i+1, j+1)
		}
		c.result(r, &derived[j])
	}
	for i := range derived {
		if !slices.ContainsFunc(recorded, func(r rules.Result) bool { return r.Campaign == derived[i].Campaign }) {
			c.differ(derived[i].Campaign, "considered", "no", "yes")
		}
	}
}

func (c *comparison) result(r, d *rules.Result) {
	at := r.Campaign
	c.differ(at, "version", r.Version, d.Version)
	c.differ(at, "arm", r.Arm, d.Arm)
	c.differ(at, "outcome", r.Outcome, d.Outcome)
	c.differ(at, "basis", r.Basis, d.Basis)
	c.differ(at, "desired", r.Desired, d.Desired)
	c.differ(at, "granted", r.Granted, d.Granted)
	c.differ(at, "capped by", r.CappedBy, d.CappedBy)
	c.differ(at, "active from", int64(r.ActiveFrom), int64(d.ActiveFrom))
	c.differ(at, "expires at", int64(r.ExpiresAt), int64(d.ExpiresAt))
	c.differ(at, "funding", r.Funding, d.Funding)
	c.differ(at, "number of steps", len(r.Steps), len(d.Steps))
	for i := range min(len(r.Steps), len(d.Steps)) {
		c.steps++
		c.step(fmt.Sprintf("%s, step %d (%s)", at, i+1, d.Steps[i].Code), &r.Steps[i], &d.Steps[i])
	}
}

func (c *comparison) step(at string, r, d *rules.Step) {
	c.differ(at, "node", r.Node, d.Node)
	c.differ(at, "code", r.Code, d.Code)
	c.differ(at, "passed", r.Passed, d.Passed)
	c.differ(at, "unit", r.Unit, d.Unit)
	c.differ(at, "observed", r.Observed, d.Observed)
	c.differ(at, "expected", r.Expected, d.Expected)
	c.differ(at, "observed", r.ObservedText, d.ObservedText)
	c.differ(at, "expected", r.ExpectedText, d.ExpectedText)
}

func (c *comparison) entries(recorded, derived []ledger.Entry) {
	c.differ("ledger", "number of entries", len(recorded), len(derived))
	for i := range min(len(recorded), len(derived)) {
		c.booked++
		r, d := &recorded[i], &derived[i]
		at := "ledger entry " + strconv.FormatUint(d.Seq, 10)
		c.differ(at, "number", r.Seq, d.Seq)
		c.differ(at, "kind", r.Kind, d.Kind)
		c.differ(at, "campaign", r.Campaign, d.Campaign)
		c.differ(at, "amount", r.Amount, d.Amount)
		c.differ(at, "pending after", r.PendingAfter, d.PendingAfter)
		c.differ(at, "available after", r.AvailableAfter, d.AvailableAfter)
		c.differ(at, "dated", int64(r.At), int64(d.At))
		c.differ(at, "active from", int64(r.ActiveFrom), int64(d.ActiveFrom))
		c.differ(at, "expires at", int64(r.ExpiresAt), int64(d.ExpiresAt))
		c.differ(at, "reason", r.Reason, d.Reason)
		c.differ(at, "postings", r.Postings, d.Postings)
	}
}
