package catalog

import (
	"fmt"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/measure/members"
)

const exampleCohorts = `{"cohorts": [{"issued": 1000, "redeemed": [300, 250, 120]}, {"issued": 1100, "redeemed": [340, 260, 140]}, {"issued": 1200, "redeemed": [350, 300]}, {"issued": 900, "redeemed": [280]}]`

const exampleMargins = `{"treatment": {"n": 9000, "sum": 108000, "sum_squares": 5400000}, "control": {"n": 1000, "sum": 11000, "sum_squares": 540000}`

const exampleMarginCost = `{"treatment": {"n": 9000, "main": {"sum": 118000, "sum_squares": 5400000}, "denominator": {"sum": 4500, "sum_squares": 9000}, "main_denominator_sum_of_products": 90000},
 "control": {"n": 1000, "main": {"sum": 11000, "sum_squares": 540000}, "denominator": {"sum": 0, "sum_squares": 0}, "main_denominator_sum_of_products": 0}`

// valueMethods say what rewards cost and what a campaign brought.
func valueMethods() []Method {
	return []Method{
		{Name: "breakage_liability", Design: measure.Descriptive, Source: "IFRS 15.B39-B47, IE267-270; KPMG handbook example 10A",
			Summary: "price of a sale split between goods and points, and the points' part released as they are redeemed",
			Example: `{"sales": 100000, "points": 10000, "point_value": 1, "redemption_rate": 0.95, "periods": [{"redeemed": 4500}, {"redeemed": 4000, "expected": 9700}]}`, run: breakageLiability},
		{Name: "breakage_by_cohort", Design: measure.Descriptive, Source: "chain ladder with Mack 1993, ASTIN Bulletin 23(2)",
			Summary: "share of issued rewards that will never be redeemed, young cohorts developed to expiry, and the liability that remains",
			Example: exampleCohorts + `, "ages": 3}`, run: breakageByCohort},
		{Name: "matured_breakage", Design: measure.Descriptive, Source: "ratio of sums over cohorts past expiry, t",
			Summary: "share of issued rewards never redeemed, of cohorts past expiry only",
			Example: exampleCohorts + `, "ages": 3}`, run: maturedBreakage},
		{Name: "chain_ladder", Design: measure.Descriptive, Source: "Mack 1993, ASTIN Bulletin 23(2); R package ChainLadder",
			Summary: "a triangle of cumulative amounts developed to the last age",
			Example: `{"triangle": [[100, 150, 175, 180], [110, 168, 192], [115, 169], [125]]}`, run: chainLadder},
		{Name: "incremental_margin", Design: measure.Randomised, Source: "Welch on margin per assigned member, times the treated",
			Summary: "margin that a campaign added over all treated members",
			Example: exampleMargins + `}`, run: incrementalMargin},
		{Name: "roi", Design: measure.Randomised, Source: "(incremental margin - cost) / cost, cost known",
			Summary: "return on a campaign whose cost is known; p tests break-even",
			Example: exampleMargins + `, "cost": 6000}`, run: returnOn(members.ROI)},
		{Name: "iroas", Design: measure.Randomised, Source: "incremental sales / cost, cost known",
			Summary: "incremental sales per unit of cost",
			Example: exampleMargins + `, "cost": 6000}`, run: returnOn(members.IROAS)},
		{Name: "roi_fieller", Design: measure.Randomised, Source: "Fieller 1954 with the covariance of margin and cost per member",
			Summary: "return on a campaign whose cost differs from member to member: main is margin, denominator is cost",
			Example: exampleMarginCost + `, "fixed_cost": 500}`, run: roiFieller},
		{Name: "reward_rate", Design: measure.Descriptive, Source: "ratio of sums by member, delta method",
			Summary: "value issued per qualifying spend: main is what was issued to a member, denominator the member's spend",
			Example: `{"members": {"n": 900, "main": {"sum": 1800, "sum_squares": 6400}, "denominator": {"sum": 63000, "sum_squares": 6900000}, "main_denominator_sum_of_products": 190000}}`, run: rewardRate},
		{Name: "cost_net_of_breakage", Design: measure.Descriptive, Source: "issued x unit cost x (1 - breakage) - funding + fixed",
			Summary: "what a campaign costs whoever pays for it",
			Example: `{"issued": 120000, "per_unit": 1, "breakage": 0.15, "breakage_std_err": 0.02, "funding": 40000, "fixed": 15000}`, run: netCost},
	}
}

// optional reads a number that may be missing.
func (f *fields) optional(name string) *float64 {
	if !f.has(name) {
		return nil
	}
	v := f.number(name)
	return &v
}

// maxYears bounds the y2_..., y3_... form of a breakage schedule.
const maxYears = 60

// breakageLiability reads the periods after the sale as a list, or in the form of the published example: y2_redeemed, y2_expected, y3_...
func breakageLiability(in *fields) (Answer, error) {
	l := members.LiabilityInput{
		Sales: in.number("sales"), Points: in.number("points"), PointValue: in.optional("point_value"), ExpectedRedeemed: in.optional("expected_redeemed"),
		RedemptionRate: in.optional("redemption_rate"), RedemptionStdErr: in.optional("redemption_std_err"), Allocated: in.optional("allocated_to_points_rounded"), Level: in.level(),
	}
	if in.has("share_decimals") {
		d := in.countIn("share_decimals", -1, 0, 12)
		l.ShareDecimals = &d
	}
	if in.has("periods") {
		for _, p := range in.objects("periods", 0) {
			l.Periods = append(l.Periods, members.Period{Redeemed: p.number("redeemed"), Expected: p.optional("expected")})
		}
	} else {
		for year := 2; year <= maxYears && in.has(fmt.Sprintf("y%d_redeemed", year)); year++ {
			l.Periods = append(l.Periods, members.Period{Redeemed: in.number(fmt.Sprintf("y%d_redeemed", year)), Expected: in.optional(fmt.Sprintf("y%d_expected", year))})
		}
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := members.BreakageLiability(l)
	if err != nil {
		return Answer{}, err
	}
	if r.Figure == nil {
		return answer(r.Result), nil
	}
	v := Values{num("goods", r.Goods), num("liability", r.Liability), num("liability_exact", r.Exact), num("breakage", r.Breakage), num("released_at_50pct", r.ReleasedAtHalf)}
	for i, p := range r.Periods {
		v.add(num(fmt.Sprintf("y%d_revenue", i+2), p.Revenue), num(fmt.Sprintf("y%d_open", i+2), p.Open))
	}
	v.add(num("open", r.Open))
	return answer(r.Result, v...), nil
}

// issueCohorts reads cohorts and options of a redemption triangle.
func (f *fields) issueCohorts() ([]members.IssueCohort, members.BreakageOptions) {
	list := f.objects("cohorts", 1)
	out := make([]members.IssueCohort, len(list))
	for i, c := range list {
		out[i] = members.IssueCohort{Issued: c.number("issued"), Redeemed: c.numbers("redeemed", 0)}
	}
	return out, members.BreakageOptions{Ages: f.countIn("ages", 0, 0, 100_000), Value: f.numberOr("value", 0), Level: f.level()}
}

func breakageByCohort(in *fields) (Answer, error) {
	list, o := in.issueCohorts()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := members.BreakageByCohort(list, o)
	if err != nil || r.Figure == nil {
		return answer(r.Result), err
	}
	v := figure("breakage", r.Result)
	v.add(num("issued", r.Issued), num("redeemed", r.Redeemed), num("ultimate", r.Ultimate), num("liability", r.Liability), nums("liability_ci", r.LiabilityLo, r.LiabilityHi))
	if r.PeriodFlow != nil {
		v.add(num("period_flow", *r.PeriodFlow))
	}
	v.add(detail("cohorts", r.Cohorts))
	return answer(r.Result, v...), nil
}

func maturedBreakage(in *fields) (Answer, error) {
	list, o := in.issueCohorts()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := members.MaturedBreakage(list, o)
	if err != nil {
		return Answer{}, err
	}
	v := figure("breakage", r.Result)
	v.add(num("issued", r.Issued), num("redeemed", r.Redeemed), whole("matured", int64(r.Matured)), whole("immature", int64(r.Immature)))
	return answer(r.Result, v...), nil
}

func chainLadder(in *fields) (Answer, error) {
	list := in.list("triangle", "a list of lists of cumulative amounts", 1)
	triangle := make([][]float64, len(list))
	for i := range list {
		triangle[i] = in.shared.amounts(item("triangle", i), list[i])
	}
	level := in.level()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r, err := members.Mack(triangle, level)
	if err != nil || r.Figure == nil {
		return answer(r.Result), err
	}
	v := figure("open", r.Result)
	v.add(nums("factors", r.Factors...), nums("factor_se", r.FactorSE...), nums("sigma2", r.Sigma2...), num("ultimate", r.Total.Ultimate), num("latest", r.Total.Latest), detail("rows", r.Rows))
	return answer(r.Result, v...), nil
}

func incrementalMargin(in *fields) (Answer, error) {
	t, c, o := in.moments("treatment"), in.moments("control"), in.options(measure.Absolute)
	o.Split = in.split(t.N, c.N)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := members.IncrementalMargin(t.Arm(), c.Arm(), o)
	v := figure("incremental", r.Result)
	if r.PerMember != nil {
		v.add(num("per_member", r.PerMember.Estimate), nums("per_member_ci", r.PerMember.Low, r.PerMember.High))
	}
	return answer(r.Result, v...), nil
}

func returnOn(estimate func(t, c measure.Arm, cost float64, o measure.Options) members.Return) func(*fields) (Answer, error) {
	return func(in *fields) (Answer, error) {
		t, c, o, cost := in.moments("treatment"), in.moments("control"), in.options(measure.Absolute), in.atLeast("cost", 0)
		o.Split = in.split(t.N, c.N)
		if err := in.done(); err != nil {
			return Answer{}, err
		}
		return returned(estimate(t.Arm(), c.Arm(), cost, o)), nil
	}
}

func returned(r members.Return) Answer {
	v := figure("return", r.Result)
	if v != nil {
		v.add(num("incremental", r.Incremental), num("cost", r.Cost), num("g", r.G))
	}
	return answer(r.Result, v...)
}

func roiFieller(in *fields) (Answer, error) {
	t, c, o := in.ratioArm("treatment"), in.ratioArm("control"), in.options(measure.Absolute)
	o.Split = in.split(t.N, c.N)
	cost := 0.0
	if in.has("fixed_cost") {
		cost = in.atLeast("fixed_cost", 0)
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	return returned(members.ROIRandomCost(t.Joint(), c.Joint(), cost, o)), nil
}

func rewardRate(in *fields) (Answer, error) {
	s, level := in.ratioArm("members"), in.level()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := members.RewardRate(s.Joint(), level)
	return answer(r, figure("rate", r)...), nil
}

func netCost(in *fields) (Answer, error) {
	c := members.CampaignCost{
		Issued: in.atLeast("issued", 0), PerUnit: in.atLeast("per_unit", 0), Breakage: in.atLeast("breakage", 0), BreakageStdErr: in.numberOr("breakage_std_err", 0),
		Funding: in.numberOr("funding", 0), Fixed: in.numberOr("fixed", 0),
	}
	level := in.level()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := c.Net(level)
	return answer(r, figure("cost", r)...), nil
}
