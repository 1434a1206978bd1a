package catalog

import (
	"math"

	"cagnotte/pipeline/measure"
)

const clickHouseDocs = "clickhouse.com/docs/reference/functions/aggregate-functions/"

const exampleIndexes = `"index0": [20.3, 22.1, 21.9], "index1": [18.9, 20.3, 19.0]`

// enginePeers are what the column store's own functions compute, so that a tile's SQL can be checked against this package.
func enginePeers() []Method {
	return []Method{
		{Name: "clickhouse_welchTTest", Design: measure.Observational, Source: clickHouseDocs + "welchTTest",
			Summary: "Welch's t of raw values as ClickHouse has it: sign is index 0 less index 1, so put the treatment at 0",
			Example: `{` + exampleIndexes + `}`, run: clickHouseWelch},
		{Name: "clickhouse_meanZTest", Design: measure.Observational, Source: clickHouseDocs + "meanZTest",
			Summary: "z test of two means with known variances, as ClickHouse has it",
			Example: `{` + exampleIndexes + `, "var_x": 0.7, "var_y": 0.45, "level": 0.95}`, run: clickHouseMeanZ},
		{Name: "covarSampStable", Design: measure.Descriptive, Source: clickHouseDocs + "covarSampStable",
			Summary: "sample covariance of two columns",
			Example: `{"x": [1, 2, 4], "y": [2, 3, 7]}`, run: covariance},
		{Name: "incremental_sum_of_squares", Design: measure.Descriptive, Source: "identity (Y+d)^2 - Y^2 = 2Yd + d^2",
			Summary: "what each receipt of one member adds to the sum of squared member totals, returns included",
			Example: `{"receipts": [12.50, 7.25, -7.25, 30.00]}`, run: incrementalSquares},
	}
}

func clickHouseWelch(in *fields) (Answer, error) {
	x, y, o := in.numbers("index0", 2), in.numbers("index1", 2), in.options(measure.Absolute)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.Welch(of(x).Arm(), of(y).Arm(), o)
	if r.Figure == nil {
		return answer(r), nil
	}
	f := r.Figure
	return answer(r, num("t", f.Estimate/f.StdErr), num("p", f.P), nums("ci", f.Low, f.High), num("dof", f.DF)), nil
}

func clickHouseMeanZ(in *fields) (Answer, error) {
	x, y, o := in.numbers("index0", 1), in.numbers("index1", 1), in.options(measure.Absolute)
	vx, vy := in.atLeast("var_x", 0), in.atLeast("var_y", 0)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	tx, ty := of(x).Arm(), of(y).Arm()
	r := measure.MeanZ(measure.Arm{N: tx.N, Mean: tx.Mean, Var: vx}, measure.Arm{N: ty.N, Mean: ty.Mean, Var: vy}, o)
	if r.Figure == nil {
		return answer(r), nil
	}
	f := r.Figure
	return answer(r, num("z", f.Estimate/f.StdErr), num("p", f.P), nums("ci", f.Low, f.High)), nil
}

func covariance(in *fields) (Answer, error) {
	x, y := in.numbers("x", 2), in.numbers("y", 2)
	in.sameLength("x", len(x), "y", len(y))
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	cov, err := measure.Covariance(x, y)
	if err != nil {
		return Answer{}, err
	}
	return answer(measure.Result{Method: "covarSampStable", Design: measure.Descriptive, NTreatment: int64(len(x))}, num("cov", cov)), nil
}

func incrementalSquares(in *fields) (Answer, error) {
	receipts := in.numbers("receipts", 1)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	cents := make([]int64, len(receipts))
	for i, v := range receipts {
		c := math.Round(v * 100)
		if math.Abs(v) > 1e13 || math.Abs(v*100-c) > 1e-6*math.Max(1, math.Abs(c)) {
			return Answer{}, &InputError{Path: item("receipts", i), Want: "an amount with at most two decimals, below 1e13", Got: Value{Value: v}.Text()}
		}
		cents[i] = int64(c)
	}
	return squares(cents), nil
}

// squares plays one member's receipts through the sums that the pipeline keeps.
func squares(cents []int64) Answer {
	r := measure.Result{Method: "incremental_sum_of_squares", Design: measure.Descriptive, NTreatment: 1}
	var m measure.Member
	total := measure.Of(m)
	deltas := make([]float64, len(cents))
	for i, c := range cents {
		after, delta, ok := m.Receipt(c, 1)
		if !ok {
			return answer(r.Refuse(measure.Overflow))
		}
		m, total = after, total.Merge(delta)
		deltas[i] = delta.YY.Float() / 1e4
	}
	if total.Overflow {
		return answer(r.Refuse(measure.Overflow))
	}
	return answer(r, num("total", total.Y.Float()/100), num("sum_squares_of_total", total.YY.Float()/1e4), nums("deltas", deltas...))
}
