package catalog

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/measure/series"
)

// seriesMethods compare series over time with a counterfactual.
func seriesMethods() []Method {
	return []Method{
		{Name: "time_based_regression", Design: measure.QuasiExperimental, Source: "Kerman, Wang and Vaver 2017; google/matched_markets tbr.py, tbr_iroas.py",
			Summary: "matched markets: regress the treated total on the control total before, predict the test; incremental sales and iROAS",
			Example: `{"treatment": [10, 12, 11, 13, 12, 14, 13, 18, 19], "control": [20, 24, 22, 26, 25, 28, 26, 29, 30], "pre_periods": 7, "level": 0.9}`, run: timeBasedRegression},
		{Name: "synthetic_control_fixed_effects", Design: measure.QuasiExperimental, Source: "Doudchenko and Imbens 2016; facebookincubator/GeoLift, ebenmichael/augsynth",
			Summary: "few treated stores: a weighted mean of the others, unit means taken out, conformal p",
			Example: exampleSynthetic, run: synthetic(true)},
		{Name: "synthetic_control_no_fe", Design: measure.QuasiExperimental, Source: "Abadie, Diamond and Hainmueller 2010; ebenmichael/augsynth, ridge augmented beside it",
			Summary: "few treated units: a weighted mean of the others on levels, and the ridge augmented estimate beside it",
			Example: exampleSynthetic, run: synthetic(false)},
		{Name: "local_level", Design: measure.Observational, Source: "Brodersen et al. 2015 (CausalImpact's model without its priors); Kalman filter, exact diffuse start",
			Summary: "a forecast of what one series would have done, from a local level and control series",
			Example: `{"outcome": [10, 12, 11, 13, 12, 14, 13, 12, 13, 12, 14, 13, 18, 19], "controls": [[20, 24, 22, 26, 25, 28, 26, 25, 26, 24, 27, 26, 26, 27]], "pre_periods": 12}`, run: localLevel},
		{Name: "bayesian_structural", Design: measure.Observational, Source: "Brodersen et al. 2015; google/CausalImpact with its priors, integrated instead of drawn",
			Summary: "the same forecast with CausalImpact's priors, which hold the level nearly still",
			Example: `{"data": "shared/data/causalimpact/arma_data.csv", "pre_periods": 70, "columns": {"outcome": "y"}, "control_columns": ["X"]}`, run: bayesian},
	}
}

const exampleSynthetic = `{"units": ["a", "b", "c", "d"], "treated": ["a"], "pre_periods": 8,
 "outcome": [[10, 12, 11, 13, 12, 14, 13, 12, 16, 17], [9, 11, 10, 13, 12, 13, 13, 11, 12, 13], [12, 13, 12, 14, 12, 15, 13, 13, 13, 14], [8, 12, 11, 12, 13, 13, 14, 12, 12, 12]]}`

// span is a range of days as the published vectors write it: 2015-01-05..2015-02-15 (42 d), ends included, the length checked when it is there.
type span struct{ from, to string }

func (f *fields) span(name string) span {
	text := f.text(name, "a span of days, as 2015-01-05..2015-02-15")
	days, note, noted := strings.Cut(text, " ")
	from, to, ok := strings.Cut(days, "..")
	first, errFrom := time.Parse(time.DateOnly, from)
	last, errTo := time.Parse(time.DateOnly, to)
	bad := !ok || errFrom != nil || errTo != nil || last.Before(first)
	length := strconv.Itoa(int(last.Sub(first).Hours()/24) + 1)
	if bad && f.raw[name] != nil {
		f.shared.fail(join(f.path, name), "a span of days, as 2015-01-05..2015-02-15", strconv.Quote(text))
	} else if noted && note != "("+length+" d)" {
		f.shared.fail(join(f.path, name), "a span of "+length+" days to say ("+length+" d)", strconv.Quote(note))
	}
	return span{from, to}
}

func (s span) holds(day string) bool { return day >= s.from && day <= s.to }

func timeBasedRegression(in *fields) (Answer, error) {
	level := 0.9
	if in.has("level") || in.has("alpha") {
		level = in.level()
	}
	load := in.matchedMarkets()
	design := in.design(measure.QuasiExperimental)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	input, err := load()
	if err != nil {
		return Answer{}, err
	}
	input.Level, input.Design = level, design
	r, err := series.TimeBasedRegression(input)
	if err != nil {
		return Answer{}, err
	}
	if r.Figure == nil {
		return answer(r.Result), nil
	}
	v := Values{
		num("slope", r.Slope), num("intercept", r.Intercept), num("sigma2", r.Sigma2), whole("df", int64(r.DF)),
		num("incremental", r.Incremental), num("se", r.SE), nums("ci", r.Figure.Low, r.Figure.High), num("lower_one_sided", r.Lower),
	}
	if r.Lift.Figure != nil {
		v.add(num("lift", r.Lift.Estimate), nums("lift_ci", r.Lift.Low, r.Lift.High))
	}
	if f := r.IROAS.Figure.Figure; f != nil {
		percent := strconv.FormatFloat(100*level, 'g', 6, 64)
		v.add(num("cost", r.Cost), num("iroas", f.Estimate), num("iroas_lower_"+percent+"_one_sided", r.IROAS.Lower), nums("iroas_ci_"+percent+"_two_sided", f.Low, f.High))
	}
	v.add(detail("residuals", r.Residuals), detail("points", r.Points))
	return answer(r.Result, v...), nil
}

// matchedMarkets reads two totals: from the input itself, or from a folder with salesandcost.csv.gz (date, geo, sales, cost) and
// geoassignment.csv (geo, geo.group), summed over the geos of each group.
func (f *fields) matchedMarkets() func() (series.TBRInput, error) {
	if !f.has("data") {
		in := series.TBRInput{
			Treatment: f.numbers("treatment", 1), Control: f.numbers("control", 1), Pre: f.countIn("pre_periods", -1, 1, 1_000_000),
			NTreatment: f.countIn("n_treatment", 0, 0, 1_000_000), NControl: f.countIn("n_control", 0, 0, 1_000_000),
		}
		f.sameLength("treatment", len(in.Treatment), "control", len(in.Control))
		if f.has("treatment_cost") || f.has("control_cost") {
			in.TreatmentCost, in.ControlCost = f.numbers("treatment_cost", 1), f.numbers("control_cost", 1)
			f.sameLength("treatment", len(in.Treatment), "treatment_cost", len(in.TreatmentCost))
			f.sameLength("treatment", len(in.Treatment), "control_cost", len(in.ControlCost))
		}
		return func() (series.TBRInput, error) { return in, nil }
	}
	dir, pre, test := f.dataPath("data"), f.span("pre"), f.span("test")
	control, treatment := f.count("control_group"), f.count("treatment_group")
	return func() (series.TBRInput, error) {
		return f.shared.geoTotals(dir, pre, test, strconv.FormatInt(treatment, 10), strconv.FormatInt(control, 10))
	}
}

// geoTotals adds up sales and costs by day and group; pre and test follow one another in the series, whatever lies between them.
func (r *reading) geoTotals(dir string, pre, test span, treatment, control string) (series.TBRInput, error) {
	assigned, err := r.table(dir+"/geoassignment.csv", "geo", "geo.group")
	if err != nil {
		return series.TBRInput{}, err
	}
	group := map[string]string{}
	geos := map[string]int{}
	groups := assigned.words("geo.group")
	for i, geo := range assigned.words("geo") {
		group[geo] = groups[i]
		geos[groups[i]]++
	}
	sales, err := r.table(dir+"/salesandcost.csv.gz", "date", "geo", "sales", "cost")
	if err != nil {
		return series.TBRInput{}, err
	}
	days, at := daysIn(sales.words("date"), pre, test)
	n := len(days)
	in := series.TBRInput{
		Treatment: make([]float64, n), Control: make([]float64, n), TreatmentCost: make([]float64, n), ControlCost: make([]float64, n),
		NTreatment: geos[treatment], NControl: geos[control],
	}
	for _, d := range days {
		if pre.holds(d) {
			in.Pre++
		}
	}
	for _, column := range []struct {
		name               string
		treatment, control []float64
	}{{"sales", in.Treatment, in.Control}, {"cost", in.TreatmentCost, in.ControlCost}} {
		values, err := sales.complete(column.name)
		if err != nil {
			return in, err
		}
		dates := sales.words("date")
		for i, geo := range sales.words("geo") {
			t, ok := at[dates[i]]
			switch {
			case !ok:
			case group[geo] == treatment:
				column.treatment[t] += values[i]
			case group[geo] == control:
				column.control[t] += values[i]
			}
		}
	}
	return in, nil
}

// daysIn returns the days of the data within both spans, in order, and where each stands.
func daysIn(dates []string, pre, test span) (days []string, at map[string]int) {
	for _, d := range dates {
		if pre.holds(d) || test.holds(d) {
			days = append(days, d)
		}
	}
	slices.Sort(days)
	days = slices.Compact(days)
	at = make(map[string]int, len(days))
	for i, d := range days {
		at[d] = i
	}
	return days, at
}

func rounded(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	if r := math.Round(v*scale) / scale; measure.Finite(r) {
		return r
	}
	return v // too large to have such digits
}

// synthetic runs a synthetic control. draws are the seeded permutations of the conformal test, as in GeoLift and augsynth; 0 takes all cyclic
// shifts instead, which serial correlation does not upset. Default columns are those of the published examples: location, date, Y for GeoLift; state, year_qtr,
// lngdpcapita and the 0/1 column treated for the Kansas panel.
func synthetic(fixedEffects bool) func(*fields) (Answer, error) {
	defaults := []string{"unit", "state", "time", "year_qtr", "outcome", "lngdpcapita", "treated", "treated"}
	if fixedEffects {
		defaults = []string{"unit", "location", "time", "date", "outcome", "Y"}
	}
	return func(in *fields) (Answer, error) {
		load := in.seriesPanel(defaults...)
		o := series.SyntheticOptions{Level: in.level(), Design: in.design(measure.QuasiExperimental), FixedEffects: fixedEffects}
		o.Conformal = series.Conformal{Draws: in.countIn("draws", 10_000, 0, 100_000), Seed: uint64(in.countOr("seed", 1))}
		o.Placebos = in.countIn("placebos", 0, 0, 10_000)
		if err := in.done(); err != nil {
			return Answer{}, err
		}
		p, err := load()
		if err != nil {
			return Answer{}, err
		}
		plain, err := series.SyntheticControl(p, o)
		if err != nil {
			return Answer{}, err
		}
		v := syntheticValues(plain, fixedEffects)
		if v != nil {
			o.Ridge, o.Placebos, o.Conformal.Draws = true, 0, 0
			ridge, err := series.SyntheticControl(p, o)
			if err != nil {
				return Answer{}, err
			}
			v.add(num("ridge_augmented_att", ridge.ATT), num("ridge_lambda", ridge.Lambda))
			v.add(detail("points", plain.Points))
		}
		return answer(plain.Result, v...), nil
	}
}

// syntheticValues names the outputs as the packages' summaries do. p_conformal and l2 carry the digits that those print, two and three: that is all
// that is published of them, and what one compares with. The unrounded values stand beside, and the figure's p is never rounded.
func syntheticValues(r series.Synthetic, fixedEffects bool) Values {
	if len(r.Points) == 0 {
		return nil
	}
	att := "att"
	if fixedEffects {
		att = "att_per_city_day"
	}
	v := Values{
		num(att, r.ATT), num("incremental", r.Incremental), num("lift", r.Lift), num("p_conformal", rounded(r.PConformal, 2)), num("p_conformal_unrounded", r.PConformal),
		num("l2", rounded(r.L2, 3)), num("l2_unrounded", r.L2), num("scaled_l2", r.ScaledL2),
	}
	if r.Figure != nil {
		v.add(nums("ci", r.Figure.Low, r.Figure.High))
	}
	var weights Values
	for _, w := range r.Weights {
		weights.add(num(w.Unit, w.Weight))
	}
	v.add(group("weights", weights))
	if r.Placebo != nil {
		v.add(detail("placebo", r.Placebo))
	}
	return v
}
