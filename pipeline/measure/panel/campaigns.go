package panel

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// CampaignRow is one household in one campaign: its spend in windows of equal length before and from the campaign's start.
type CampaignRow struct {
	Household, Campaign string
	Exposed             bool // was targeted
	Pre, Post           float64
}

// CampaignResult holds four readings of the same campaigns. The Result's figure is DiD's. Where targeting was not randomised, DiD and ANCOVA
// bracket the effect under different assumptions (Ding and Li 2019, arXiv 1903.06286) and neither proves it; Naive is mostly selection.
type CampaignResult struct {
	measure.Result                // Post - Pre on exposed, campaign effects
	Naive          measure.Result `json:"naive"`      // Post on exposed, campaign effects
	DiDPooled      measure.Result `json:"did_pooled"` // Post - Pre on exposed, without campaign effects
	ANCOVA         measure.Result `json:"ancova"`     // Post on exposed and Pre, campaign effects
	Households     int            `json:"households"`
	Campaigns      int            `json:"campaigns"`
	PreSlope       float64        `json:"pre_slope"` // of ANCOVA; 0 without it
}

// Campaigns regresses household spend on exposure over many campaigns, errors clustered by household: CR1 with G/(G-1) x (N-1)/(N-K), K counting
// every campaign effect (Stata's areg, statsmodels' OLS with dummies), t with G-1 degrees of freedom. NTreatment and NControl count rows, not
// households. A household twice in a campaign and an outcome that is not finite are errors.
func Campaigns(rows []CampaignRow, o Options) (CampaignResult, error) {
	d, err := newCampaigns(rows)
	if err != nil {
		return CampaignResult{}, err
	}
	out := CampaignResult{Households: d.households, Campaigns: d.campaigns}
	change := make([]float64, len(rows))
	for i, r := range rows {
		change[i] = r.Post - r.Pre
	}
	base := func(m measure.Method) measure.Result { return o.result(m, d.exposed, len(rows)-d.exposed) }
	out.Naive, _ = d.regress(base(MethodNaiveFE), true, d.post, d.treated)
	out.DiDPooled, _ = d.regress(base(MethodDiDPooled), false, change, d.treated)
	out.Result, _ = d.regress(base(MethodDiDFE), true, change, d.treated)
	out.ANCOVA, out.PreSlope = d.regress(base(MethodANCOVA), true, d.post, d.treated, d.pre)
	return out, nil
}

// campaigns is the table in columns, households and campaigns numbered in order of appearance.
type campaigns struct {
	household, campaign   []int
	households, campaigns int
	exposed               int
	treated, pre, post    []float64
}

func newCampaigns(rows []CampaignRow) (*campaigns, error) {
	d := &campaigns{}
	households, names := map[string]int{}, map[string]int{}
	seen := make(map[[2]int]bool, len(rows))
	for i, r := range rows {
		if !measure.Finite(r.Pre, r.Post) {
			return nil, fmt.Errorf("rows[%d]: pre %g, post %g", i, r.Pre, r.Post)
		}
		h, c := number(households, r.Household), number(names, r.Campaign)
		if seen[[2]int{h, c}] {
			return nil, fmt.Errorf("rows[%d]: household %q twice in campaign %q", i, r.Household, r.Campaign)
		}
		seen[[2]int{h, c}] = true
		on := 0.0
		if r.Exposed {
			on = 1
			d.exposed++
		}
		d.household, d.campaign = append(d.household, h), append(d.campaign, c)
		d.treated, d.pre, d.post = append(d.treated, on), append(d.pre, r.Pre), append(d.post, r.Post)
	}
	d.households, d.campaigns = len(households), len(names)
	return d, nil
}

// number returns the id of a name, the next one when it is new.
func number(ids map[string]int, name string) int {
	id, known := ids[name]
	if !known {
		id = len(ids)
		ids[name] = id
	}
	return id
}

// regress fits y on the regressors with campaign effects, or one constant, and fills r with the first coefficient. It also returns the last one.
func (d *campaigns) regress(r measure.Result, effects bool, y []float64, regressors ...[]float64) (measure.Result, float64) {
	switch {
	case !measure.ValidLevel(r.Level):
		return r.Refuse(measure.NotFinite), 0
	case d.exposed == 0:
		return r.Refuse(NoTreatedUnit), 0
	case d.exposed == len(y):
		return r.Refuse(NoControlUnit), 0
	case d.households < 3:
		return r.Refuse(TooFewClusters), 0
	}
	group, groups := d.campaign, d.campaigns
	if !effects {
		group, groups = make([]int, len(y)), 1
	}
	x := make([][]float64, len(regressors))
	for j, column := range regressors {
		x[j] = within(column, group, groups)
		if !measure.Finite(squares(column), squares(y)) {
			return r.Refuse(measure.NotFinite), 0
		}
		if squares(x[j]) <= noise*squares(column) {
			return r.Refuse(Collinear), 0
		}
	}
	return d.fit(r, within(y, group, groups), squares(y), x, groups)
}

// fit solves the regression of what the effects leave and clusters its errors.
func (d *campaigns) fit(r measure.Result, y []float64, scale float64, x [][]float64, groups int) (measure.Result, float64) {
	k := len(x)
	gram, right := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
	for i := range k {
		right.SetVec(i, floats.Dot(x[i], y))
		for j := i; j < k; j++ {
			gram.SetSym(i, j, floats.Dot(x[i], x[j]))
		}
	}
	n, params, g := float64(len(y)), float64(k+groups), float64(d.households)
	if n <= params {
		return r.Refuse(TooFewUnits), 0
	}
	inverse, why := inverted(gram)
	if why != "" {
		return r.Refuse(why), 0
	}
	var beta mat.VecDense
	beta.MulVec(inverse, right)
	e := append([]float64(nil), y...)
	for j := range k {
		floats.AddScaled(e, -beta.AtVec(j), x[j])
	}
	if squares(e) <= noise*scale {
		return r.Refuse(measure.ZeroVariance), 0
	}
	scores := make([]float64, d.households) // times the first row of the inverse: all that its variance needs
	for i, h := range d.household {
		for j := range k {
			scores[h] += inverse.At(0, j) * x[j][i] * e[i]
		}
	}
	se := math.Sqrt(squares(scores) * g / (g - 1) * (n - 1) / (n - params))
	r = r.With(tFigure(beta.AtVec(0), se, g-1, r.Level))
	if r.Figure == nil || !measure.Finite(beta.AtVec(k-1)) {
		return r, 0
	}
	return r, beta.AtVec(k - 1)
}

// inverted inverts a matrix of products after scaling it to ones on the diagonal, so that its condition says how far regressors repeat each
// other whatever their units.
func inverted(gram *mat.SymDense) (*mat.SymDense, measure.Reason) {
	k := gram.SymmetricDim()
	scaled := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			scaled.SetSym(i, j, gram.At(i, j)/math.Sqrt(gram.At(i, i))/math.Sqrt(gram.At(j, j)))
		}
	}
	if !measure.Finite(scaled.RawSymmetric().Data...) {
		return nil, measure.NotFinite
	}
	var chol mat.Cholesky
	if !chol.Factorize(scaled) || chol.Cond() > 1e12 {
		return nil, Collinear
	}
	inverse := mat.NewSymDense(k, nil)
	if err := chol.InverseTo(inverse); err != nil {
		return nil, Collinear
	}
	for i := range k {
		for j := i; j < k; j++ {
			inverse.SetSym(i, j, inverse.At(i, j)/math.Sqrt(gram.At(i, i))/math.Sqrt(gram.At(j, j)))
		}
	}
	return inverse, ""
}

// within takes the mean of its group out of each value.
func within(x []float64, group []int, groups int) []float64 {
	means := make([]running, groups)
	for i, v := range x {
		means[group[i]].add(v)
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v - means[group[i]].mean
	}
	return out
}
