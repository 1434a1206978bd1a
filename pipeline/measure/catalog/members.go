package catalog

import (
	"fmt"
	"strconv"
	"strings"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/measure/members"
)

// memberMethods say what members do over time.
func memberMethods() []Method {
	return []Method{
		{Name: "retention_rate", Design: measure.Descriptive, Source: "trade definition (E - N) / S; interval Wilson 1927",
			Summary: "share of the members at the start who are still there: (end - new) / start",
			Example: `{"start": 200, "end": 250, "new": 70}`, run: retention},
		{Name: "repeat_rate", Design: measure.Descriptive, Source: "share observed for a whole window; interval Wilson 1927",
			Summary: "share of members who came again within a window of their first reward",
			Example: `{"members": [{"observed": 60, "next": 12}, {"observed": 60}, {"observed": 10, "next": 3}], "window": 28}`, run: repeat},
		{Name: "cohort_retention", Design: measure.Descriptive, Source: "cohort by age, censored at the last whole period",
			Summary: "retention of cohorts by age, and pooled at one age",
			Example: `{"members": [{"joined": 1, "active": [1, 2, 4]}, {"joined": 1, "active": [1]}, {"joined": 2, "active": [2, 3]}, {"joined": 3, "active": [3, 4]}], "through": 4, "age": 1}`, run: cohorts},
		{Name: "kaplan_meier", Design: measure.Descriptive, Source: "Kaplan and Meier 1958; Greenwood, log-log interval as R's survfit",
			Summary: "share of members who have not lapsed by a time, those still observed counted as far as they are",
			Example: `{"members": [{"duration": 5, "lapsed": true}, {"duration": 8, "lapsed": false}, {"duration": 9, "lapsed": true}, {"duration": 12, "lapsed": false}], "at": 9}`, run: kaplanMeier},
		{Name: "bg_nbd", Design: measure.Descriptive, Source: "Fader, Hardie and Lee 2005, Marketing Science 24(2); package lifetimes",
			Summary: "how often members will come again: BG/NBD by maximum likelihood, and the expectation for one member",
			Example: `{"data": "shared/data/cdnow/cdnow_customers_summary.csv"}`, run: bgNBD},
		{Name: "gamma_gamma", Design: measure.Descriptive, Source: "Fader and Hardie 2013, the Gamma-Gamma model of monetary value; package lifetimes",
			Summary: "what a receipt of a member is worth: Gamma-Gamma by maximum likelihood",
			Example: `{"data": "shared/data/cdnow/cdnow_customers_summary_with_transactions.csv", "columns": {"frequency": "x", "recency": "t_x", "value": "zbar"}}`, run: gammaGamma},
		{Name: "clv", Design: measure.Descriptive, Source: "BG/NBD x Gamma-Gamma, discounted; package lifetimes",
			Summary: "discounted margin of the members over a horizon",
			Example: `{"data": "shared/data/cdnow/cdnow_customers_summary_with_transactions.csv", "columns": {"frequency": "x", "recency": "t_x", "value": "zbar"}, "steps": 52, "margin": 0.25, "discount": 0.002}`, run: lifetimeValue},
	}
}

func retention(in *fields) (Answer, error) {
	start, end, joined, level := in.count("start"), in.count("end"), in.count("new"), in.level()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	return rateAnswer(members.RetentionRate(start, end, joined, level)), nil
}

func rateAnswer(r members.Rate, more ...Value) Answer {
	if r.Figure == nil {
		return answer(r.Result, more...)
	}
	v := Values{num("rate", r.Figure.Estimate), num("lo", r.Figure.Low), num("hi", r.Figure.High), whole("kept", r.Kept), whole("of", r.Of)}
	v.add(more...)
	return answer(r.Result, v...)
}

func repeat(in *fields) (Answer, error) {
	list, window, level := in.objects("members", 1), in.number("window"), in.level()
	rows := make([]members.FirstReward, len(list))
	for i, m := range list {
		rows[i].Observed = m.atLeast("observed", 0)
		if m.has("next") {
			next := m.atLeast("next", 0)
			rows[i].Next = &next
		}
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := members.RepeatRate(rows, window, level)
	if err != nil {
		return Answer{}, err
	}
	return rateAnswer(r.Rate, whole("immature", r.Immature)), nil
}

func cohorts(in *fields) (Answer, error) {
	list := in.objects("members", 1)
	o := members.CohortOptions{Through: in.countIn("through", -1, 0, 1_000_000_000), Age: in.countIn("age", 1, 0, 1_000_000), Level: in.level()}
	rows := make([]members.MemberActivity, len(list))
	for i, m := range list {
		rows[i].Joined = m.countIn("joined", -1, 0, 1_000_000_000)
		for _, p := range m.counts("active", 0) {
			rows[i].Active = append(rows[i].Active, int(min(p, 1_000_000_000)))
		}
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := members.Cohorts(rows, o)
	if err != nil {
		return Answer{}, err
	}
	v := Values{detail("curve", r.Curve), detail("cohorts", r.Cohorts), whole("late", r.Late)}
	if r.Figure != nil {
		v = append(Values{num("rate", r.Figure.Estimate), num("lo", r.Figure.Low), num("hi", r.Figure.High)}, v...)
	}
	return answer(r.Result, v...), nil
}

func kaplanMeier(in *fields) (Answer, error) {
	list := in.objects("members", 1)
	o := members.SurvivalOptions{At: in.atLeast("at", 0), Level: in.level()}
	rows := make([]members.Lifetime, len(list))
	for i, m := range list {
		rows[i] = members.Lifetime{Duration: m.atLeast("duration", 0), Lapsed: m.flag("lapsed")}
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := members.KaplanMeier(rows, o)
	if err != nil {
		return Answer{}, err
	}
	var v Values
	if r.Figure != nil {
		v.add(num("survival", r.Figure.Estimate), nums("ci", r.Figure.Low, r.Figure.High), num("se", r.Figure.StdErr))
	}
	if r.Median != nil {
		v.add(num("median", *r.Median))
	}
	v.add(whole("members", r.Members), whole("lapsed", r.Lapsed), whole("censored", r.Censored), num("through", r.Through), detail("steps", r.Steps))
	return answer(r.Result, v...), nil
}

// customers reads purchase histories, from the input or from a data set with the columns frequency, recency, T and, when the method needs it,
// value.
func (f *fields) customers(value bool) func() ([]members.Customer, error) {
	if !f.has("data") {
		list := f.objects("customers", 1)
		out := make([]members.Customer, len(list))
		for i, c := range list {
			out[i] = c.customer()
		}
		return func() ([]members.Customer, error) { return out, nil }
	}
	name, c := f.dataPath("data"), f.columns("frequency", "frequency", "recency", "recency", "T", "T", "value", "value")
	roles := []string{"frequency", "recency", "T"}
	if value {
		roles = append(roles, "value")
	}
	return func() ([]members.Customer, error) {
		names := make([]string, len(roles))
		for i, role := range roles {
			names[i] = c[role]
		}
		frame, err := f.shared.table(name, names...)
		if err != nil {
			return nil, err
		}
		out := make([]members.Customer, len(frame.cells))
		for k, role := range roles {
			values, err := frame.complete(c[role])
			if err != nil {
				return nil, err
			}
			for i, x := range values {
				set(&out[i], k, x)
			}
			if role == "frequency" {
				if i := firstUncountable(values); i >= 0 {
					return nil, &DataError{name, fmt.Errorf("row %d, column %s: want %s", i+2, c[role], wantCount)}
				}
			}
		}
		return out, nil
	}
}

// customer reads one history.
func (f *fields) customer() members.Customer {
	return members.Customer{Frequency: f.count("frequency"), Recency: f.atLeast("recency", 0), T: f.atLeast("T", 0), Value: f.numberOr("value", 0), Weight: f.numberOr("weight", 0)}
}

// set fills the k-th of frequency, recency, T, value.
func set(c *members.Customer, k int, x float64) {
	switch k {
	case 0:
		c.Frequency = int64(x)
	case 1:
		c.Recency = x
	case 2:
		c.T = x
	default:
		c.Value = x
	}
}

// firstUncountable finds a value that is no count, -1 when all are.
func firstUncountable(values []float64) int {
	for i, v := range values {
		if v < 0 || v > 1<<53 || v != float64(int64(v)) {
			return i
		}
	}
	return -1
}

func (f *fields) fitOptions() members.FitOptions {
	return members.FitOptions{Level: f.level(), Horizon: f.numberOr("horizon", 0), MinMembers: f.countOr("min_members", 0)}
}

// bgNBD answers, beside the parameters, what is to be expected of one member: predict, or the history of the published example.
func bgNBD(in *fields) (Answer, error) {
	load, o := in.customers(false), in.fitOptions()
	who, ahead := members.Customer{Frequency: 2, Recency: 30.43, T: 38.86}, 39.0
	if in.has("predict") {
		p := in.object("predict", "an object with frequency, recency, T and horizon")
		who, ahead = p.customer(), p.atLeast("horizon", 0)
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	rows, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := members.FitBGNBD(rows, o)
	if err != nil || r.Figure == nil {
		return answer(r.Result), err
	}
	v := Values{num("r", r.R), num("alpha", r.Alpha), num("a", r.A), num("b", r.B), num("loglik", r.LogLik)}
	next, err := r.Predict(who, ahead)
	if err != nil {
		return Answer{}, err
	}
	if next.Reason == "" && next.Figure != nil {
		v.add(num(predictionName(who, ahead), next.Figure.Estimate), num("p_alive", next.Alive))
	}
	v.add(num("expected_per_member", r.Figure.Estimate), num("horizon", r.Horizon), detail("se", r.StdErr), num("members", r.Members), num("repeaters", r.Repeaters), detail("convergence", r.Convergence))
	return answer(r.Result, v...), nil
}

// predictionName spells the question out, as the published vector does: cond_exp_39w_x2_tx30_43_T38_86.
func predictionName(c members.Customer, horizon float64) string {
	text := func(v float64) string { return strings.ReplaceAll(strconv.FormatFloat(v, 'g', -1, 64), ".", "_") }
	return fmt.Sprintf("cond_exp_%sw_x%d_tx%s_T%s", text(horizon), c.Frequency, text(c.Recency), text(c.T))
}
