package simulate

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Result is the answer of all simulations, with what they were asked.
type Result struct {
	Seed      uint64           `json:"seed"`
	Members   int              `json:"members"`
	HoldoutBP int              `json:"holdout_bp"`
	Plan      int64            `json:"plan"`
	Sources   []SourceSize     `json:"sources"`
	Watching  []Watching       `json:"watching"`
	Placebos  []FalsePositives `json:"placebos,omitempty"`
}

// SourceSize says what the baskets were drawn from.
type SourceSize struct {
	Name      string `json:"name"`
	Customers int    `json:"customers"`
	Receipts  int    `json:"receipts"`
}

// NewResult collects what was simulated.
func NewResult(o Options, sources []*Baskets, watching []Watching, placebos []FalsePositives) Result {
	r := Result{Seed: o.Seed, Members: o.Members, HoldoutBP: o.HoldoutBP, Plan: o.Plan, Watching: watching, Placebos: placebos}
	for _, b := range sources {
		r.Sources = append(r.Sources, SourceSize{b.Name, b.Customers(), b.Receipts()})
	}
	return r
}

// Write prints the result for people.
func (r Result) Write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d members, %.4g %% held out, planned for %d, looked at hourly for 28 days; shares in percent\n", r.Members, float64(r.HoldoutBP)/100, r.Plan)
	for _, s := range r.Sources {
		fmt.Fprintf(w, "%s: whole histories of %d customers with %d receipts\n", s.Name, s.Customers, s.Receipts)
	}
	r.writeFalse(w)
	r.writePower(w)
	r.writePlacebos(w)
	return w.Flush()
}

func cuped(adjusted bool) string {
	if adjusted {
		return "cuped"
	}
	return "raw"
}

func (r Result) writeFalse(w io.Writer) {
	fmt.Fprint(w, "\nno effect: called significant\nbaskets\tcounted\toutcome\tcampaigns\tfixed ever\tfixed at the end\talways valid ever\talways valid at the end\t\n")
	for _, x := range r.Watching {
		if x.Lift == 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t\n", x.Source, x.Counted, cuped(x.Adjusted), x.Campaigns, 100*x.FixedEver, 100*x.FixedEnd, 100*x.AlwaysEver, 100*x.AlwaysEnd)
		}
	}
}

func (r Result) writePower(w io.Writer) {
	fmt.Fprint(w, "\ninjected lift: seen (power), and the truth inside the interval\n"+
		"baskets\tcounted\toutcome\tlift\tseen: fixed at the end\talways ever\talways at the end\tfirst seen, day\twrong sign\ttruth in: fixed at the end\talways, every look\thalf width: fixed\talways\t\n")
	for _, x := range r.Watching {
		if x.Lift != 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t\n", x.Source, x.Counted, cuped(x.Adjusted), 100*x.Lift,
				100*x.FixedEnd, 100*x.AlwaysEver, 100*x.AlwaysEnd, float64(x.MedianFirst)/24, 100*x.WrongSign, 100*x.FixedCover, 100*x.AlwaysCover, 100*x.FixedHalf, 100*x.AlwaysHalf)
		}
	}
}

func (r Result) writePlacebos(w io.Writer) {
	if len(r.Placebos) == 0 {
		return
	}
	fmt.Fprint(w, "\nstores, windows of 14 days without a campaign: called significant at 5 %\ntreated\twindows\tpooled t\tWelch t\tpermutation\tbefore/after\tspread of the uplift\t\n")
	for _, x := range r.Placebos {
		welch, naive := fmt.Sprintf("%.1f", 100*x.Welch), fmt.Sprintf("%.1f", 100*x.BeforeAfter)
		if x.Treated < 2 {
			welch, naive = "-", "-"
		}
		fmt.Fprintf(w, "%d\t%d\t%.1f\t%s\t%.1f\t%s\t%.1f\t\n", x.Treated, x.Windows, 100*x.Pooled, welch, 100*x.Permutation, naive, 100*x.SpreadOf)
	}
}
