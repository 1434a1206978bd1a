package catalog

import (
	"math"
	"strconv"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/measure/panel"
)

const exampleStores = `{"stores": [{"store": "a", "treated": true, "before": 980, "during": 1040}, {"store": "b", "treated": true, "before": 410, "during": 455},
 {"store": "c", "treated": false, "before": 700, "during": 690}, {"store": "d", "treated": false, "before": 1500, "during": 1540},
 {"store": "e", "treated": false, "before": 320, "during": 330}, {"store": "f", "treated": false, "before": 860, "during": 850},
 {"store": "g", "treated": true, "before": 640, "during": 690}, {"store": "h", "treated": false, "before": 540, "during": 538}, {"store": "i", "treated": false, "before": 1110, "during": 1125}]`

const examplePanel = `{"units": ["a", "b", "c", "d", "e", "f", "g", "h"], "periods": [1, 2, 3, 4], "treated_from": [3, 3, 3, 3, 0, 0, 0, 0],
 "outcome": [[10, 11, 14, 15], [8, 8, 10, 11], [12, 13, 15, 15], [9, 9, 12, 12], [7, 8, 8, 9], [11, 11, 12, 12], [9, 10, 10, 10], [13, 13, 14, 15]]`

// storeMethods compare groups that nobody drew member by member: stores, counties, households by campaign.
func storeMethods() []Method {
	return []Method{
		{Name: "store_did", Design: measure.QuasiExperimental, Source: "log difference-in-differences, pooled t over stores (Bertrand et al. 2004 on why stores are the unit)",
			Summary: "store traffic: change in treated stores against the others, with the smallest uplift that could be seen",
			Example: exampleStores + `}`, run: storeDiD},
		{Name: "permutation", Design: measure.QuasiExperimental, Source: "re-assignment test, exact when small; Phipson and Smyth 2010, doi 10.2202/1544-6115.1585",
			Summary: "store traffic: the same difference, judged by re-drawing which stores were treated",
			Example: exampleStores + `}`, run: permutation},
		{Name: "did_2x2", Design: measure.QuasiExperimental, Source: "Card and Krueger 1994, AER 84(4), table 3",
			Summary: "difference-in-differences of two groups in two periods: all units seen, and those seen in both",
			Example: `{"pairs": [{"unit": "a", "treated": true, "before": 20, "after": 24}, {"unit": "b", "treated": true, "before": 18, "after": 19}, {"unit": "c", "treated": true, "before": 21},
 {"unit": "d", "treated": false, "before": 22, "after": 21}, {"unit": "e", "treated": false, "before": 25, "after": 23}, {"unit": "f", "treated": false, "after": 20}]}`, run: twoByTwo},
		{Name: "two_way_fixed_effects", Design: measure.QuasiExperimental, Source: "clustered by unit: CR1, and CR2 of Bell and McCaffrey 2002; Pustejovsky and Tipton 2018",
			Summary: "panel difference-in-differences with unit and period effects, all treated at one date",
			Example: examplePanel + `}`, run: twoWay},
		{Name: "wild_cluster_bootstrap", Design: measure.QuasiExperimental, Source: "Cameron, Gelbach and Miller 2008, doi 10.1162/rest.90.3.414",
			Summary: "the same effect with bootstrap inference, for few clusters",
			Example: examplePanel + `, "draws": 999}`, run: wild},
		{Name: "group_time_att", Design: measure.QuasiExperimental, Source: "Callaway and Sant'Anna 2021, doi 10.1016/j.jeconom.2020.12.001; R package did",
			Summary: "staggered starts: effect by group and time, and its aggregations",
			Example: `{"data": "shared/data/did_mpdta/mpdta.csv.gz"}`, run: staggered},
		{Name: "selection_bias_demo", Design: measure.Observational, Source: "areg with campaign effects, clustered by household",
			Summary: "targeted against others over many campaigns, read four ways: naive, DiD pooled and by campaign, ANCOVA",
			Example: `{"data": "shared/data/completejourney/full2y/household_campaign_28d.csv.gz"}`, run: campaigns},
	}
}

// traffic reads the list of stores.
func (f *fields) traffic() []measure.StoreTraffic {
	list := f.objects("stores", 1)
	out := make([]measure.StoreTraffic, len(list))
	for i, s := range list {
		out[i] = measure.StoreTraffic{Store: s.textOr("store", strconv.Itoa(i)), Treated: s.flag("treated"), Before: s.atLeast("before", 0), During: s.atLeast("during", 0)}
	}
	return out
}

func storeDiD(in *fields) (Answer, error) {
	stores, level, design := in.traffic(), in.level(), in.design(measure.QuasiExperimental)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.StoreUplift(stores, level)
	r.Design = design
	v := figure("uplift", r)
	if v != nil {
		v.add(num("min_detectable", r.Figure.MinDetectable), num("incremental_visits_per_day", incrementalVisits(stores, r.Figure.Estimate)))
	}
	return answer(r, v...), nil
}

// incrementalVisits is what the treated stores would not have had: their traffic during less what it is without the uplift.
func incrementalVisits(stores []measure.StoreTraffic, uplift float64) float64 {
	sum := 0.0
	for _, s := range stores {
		if s.Treated && s.Before > 0 && s.During > 0 {
			sum += s.During
		}
	}
	return sum * (1 - 1/(1+uplift))
}

func permutation(in *fields) (Answer, error) {
	o := panel.DefaultPermutation(uint64(in.countOr("seed", 1)))
	o.Level, o.Design = in.level(), in.design(measure.QuasiExperimental)
	o.Draws = in.countIn("draws", int64(o.Draws), 99, 1_000_000)
	var values []float64
	var treated []bool
	if in.has("values") {
		values, treated = in.numbers("values", 1), in.flags("treated", 1)
		in.sameLength("values", len(values), "treated", len(treated))
		o.Logs = in.flag("logs")
	} else {
		o.Logs = true
		for _, s := range in.traffic() {
			if g := math.Log(s.During) - math.Log(s.Before); measure.Finite(g) {
				values, treated = append(values, g), append(treated, s.Treated)
			}
		}
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := panel.Permutation(values, treated, o)
	if err != nil {
		return Answer{}, err
	}
	v := figure("effect", r.Result)
	if v == nil {
		v = Values{num("p", r.P)}
	}
	v.add(num("difference", r.Difference), whole("assignments", int64(r.Assignments)), detail("exact", r.Exact))
	return answer(r.Result, v...), nil
}

func twoByTwo(in *fields) (Answer, error) {
	control, treated := "control", "treated"
	if in.has("data") {
		control, treated = "pa", "nj"
	}
	if in.has("labels") {
		labels := in.object("labels", "an object with control and treated")
		control, treated = labels.textOr("control", control), labels.textOr("treated", treated)
	}
	load := in.pairs()
	o := panel.Options{Level: in.level(), Design: in.design(measure.QuasiExperimental)}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	pairs, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := panel.TwoByTwo(pairs, o)
	if err != nil {
		return Answer{}, err
	}
	cell := func(label, when string, g panel.Group) Value { return nums(label+"_"+when, g.Mean, g.StdErr) }
	v := Values{
		cell(control, "before", r.ControlBefore), cell(treated, "before", r.TreatedBefore),
		cell(control, "after", r.ControlAfter), cell(treated, "after", r.TreatedAfter),
	}
	if r.All != nil {
		v.add(num("did_all", r.All.Estimate), num("did_all_se", r.All.StdErr))
	}
	if f := r.Figure; f != nil {
		v.add(num("did_balanced", f.Estimate), num("did_balanced_se", f.StdErr), nums("did_balanced_ci", f.Low, f.High))
	}
	v.add(nums("n_balanced", float64(r.NBalanced[0]), float64(r.NBalanced[1])))
	return answer(r.Result, v...), nil
}

// pairs reads units before and after, from the input or from a data set in long form; the default columns are those of Card and Krueger.
func (f *fields) pairs() func() ([]panel.Pair, error) {
	if !f.has("data") {
		list := f.objects("pairs", 1)
		out := make([]panel.Pair, len(list))
		for i, p := range list {
			out[i] = panel.Pair{Unit: p.textOr("unit", strconv.Itoa(i)), Treated: p.flag("treated"), Before: p.numberOr("before", math.NaN()), After: p.numberOr("after", math.NaN())}
		}
		return func() ([]panel.Pair, error) { return out, nil }
	}
	name, c := f.dataPath("data"), f.columns("unit", "id", "treated", "nj", "after", "d", "outcome", "fte")
	return func() ([]panel.Pair, error) { return f.shared.pairs(name, c) }
}

func (r *reading) pairs(name string, c columns) ([]panel.Pair, error) {
	frame, err := r.table(name, c["unit"], c["treated"], c["after"], c["outcome"])
	if err != nil {
		return nil, err
	}
	treated, err := frame.complete(c["treated"])
	if err != nil {
		return nil, err
	}
	after, err := frame.complete(c["after"])
	if err != nil {
		return nil, err
	}
	outcome, missing, err := frame.numbers(c["outcome"])
	if err != nil {
		return nil, err
	}
	var out []panel.Pair
	at := map[string]int{}
	for i, u := range frame.words(c["unit"]) {
		k, ok := at[u]
		if !ok {
			k = len(out)
			at[u] = k
			out = append(out, panel.Pair{Unit: u, Treated: treated[i] != 0, Before: math.NaN(), After: math.NaN()})
		}
		switch {
		case missing[i]:
		case after[i] != 0:
			out[k].After = outcome[i]
		default:
			out[k].Before = outcome[i]
		}
	}
	return out, nil
}

func twoWay(in *fields) (Answer, error) {
	load := in.unitPanel("unit", "unit", "time", "time", "outcome", "outcome", "treated_from", "treated_from")
	o := panel.Options{Level: in.level(), Design: in.design(measure.QuasiExperimental)}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	p, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := panel.TwoWay(p, o)
	if err != nil {
		return Answer{}, err
	}
	v := figure("effect", r.Result)
	if r.CR2 != nil {
		v.add(num("cr2_se", r.CR2.StdErr), nums("cr2_ci", r.CR2.Low, r.CR2.High), num("cr2_p", r.CR2.P), num("cr2_dof", r.CR2.DF))
	}
	v.add(whole("clusters", int64(r.Clusters)), whole("treated_clusters", int64(r.TreatedClusters)))
	return answer(r.Result, v...), nil
}

func wild(in *fields) (Answer, error) {
	load := in.unitPanel("unit", "unit", "time", "time", "outcome", "outcome", "treated_from", "treated_from")
	o := panel.DefaultWild(uint64(in.countOr("seed", 1)))
	o.Level, o.Design = in.level(), in.design(measure.QuasiExperimental)
	o.Draws = in.countIn("draws", int64(o.Draws), 99, 99_999)
	if in.oneOf("weights", "rademacher", "webb") == "webb" {
		o.Weights = panel.Webb
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	p, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := panel.WildCluster(p, o)
	if err != nil {
		return Answer{}, err
	}
	v := figure("effect", r.Result)
	if v == nil {
		v = Values{num("p", r.P)}
	}
	v.add(num("t", r.T), whole("draws", int64(r.Draws)), detail("enumerated", r.Enumerated), whole("clusters", int64(r.Clusters)))
	return answer(r.Result, v...), nil
}

// staggered has the columns of the mpdta example as its defaults.
func staggered(in *fields) (Answer, error) {
	load := in.unitPanel("unit", "countyreal", "time", "year", "outcome", "lemp", "treated_from", "first.treat")
	o := panel.DefaultStaggered(uint64(in.countOr("seed", 1)))
	o.Level, o.Design = in.level(), in.design(measure.QuasiExperimental)
	if in.oneOf("control", "never_treated", "not_yet_treated") == "not_yet_treated" {
		o.Control = panel.NotYetTreated
	}
	o.Anticipation = in.countIn("anticipation", 0, 0, 1000)
	o.Universal = in.flag("universal_base")
	o.Draws = in.countIn("draws", int64(o.Draws), 0, 99_999)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	p, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := panel.Staggered(p, o)
	if err != nil {
		return Answer{}, err
	}
	v := figure("att", r.Result)
	if v != nil {
		v.add(detail("simple", r.Simple), detail("event", r.Event), detail("group", r.Group), detail("calendar", r.Calendar), detail("group_time", r.GroupTime))
	}
	if r.Pretest != nil {
		v.add(detail("pretest", r.Pretest))
	}
	return answer(r.Result, v...), nil
}

func campaigns(in *fields) (Answer, error) {
	name, c := in.dataPath("data"), in.columns("household", "household_key", "campaign", "campaign", "exposed", "exposed", "pre", "pre_spend", "post", "post_spend")
	o := panel.Options{Level: in.level(), Design: in.design(measure.Observational)}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	frame, err := in.shared.table(name, c["household"], c["campaign"], c["exposed"], c["pre"], c["post"])
	if err != nil {
		return Answer{}, err
	}
	var columns [3][]float64
	for i, role := range []string{"exposed", "pre", "post"} {
		if columns[i], err = frame.complete(c[role]); err != nil {
			return Answer{}, err
		}
	}
	rows := make([]panel.CampaignRow, len(frame.cells))
	households, names := frame.words(c["household"]), frame.words(c["campaign"])
	for i := range rows {
		rows[i] = panel.CampaignRow{Household: households[i], Campaign: names[i], Exposed: columns[0][i] != 0, Pre: columns[1][i], Post: columns[2][i]}
	}
	r, err := panel.Campaigns(rows, o)
	if err != nil {
		return Answer{}, err
	}
	var v Values
	for _, x := range []struct {
		name string
		r    measure.Result
	}{{"naive_campaign_fe", r.Naive}, {"did_pooled", r.DiDPooled}, {"did_campaign_fe", r.Result}, {"ancova_campaign_fe", r.ANCOVA}} {
		if f := x.r.Figure; f != nil {
			v.add(nums(x.name, f.Estimate, f.StdErr))
		}
	}
	v.add(num("pre_slope", r.PreSlope), whole("households", int64(r.Households)), whole("campaigns", int64(r.Campaigns)))
	return answer(r.Result, v...), nil
}
