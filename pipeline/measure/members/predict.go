package members

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"
)

// Prediction is one member's future. The figure is the expected number of purchases within the horizon.
type Prediction struct {
	measure.Result
	Alive       float64 `json:"alive"`    // probability that the member has not left
	AliveStdErr float64 `json:"alive_se"` // of it, from the parameters
	IfAlive     float64 `json:"if_alive"` // expected purchases of a member who has not left
	Horizon     float64 `json:"horizon"`  // time ahead
}

// Predict returns the conditional expectation of one member's purchases within the horizon (FHL 2005, eq. 10) and the probability of being
// alive, both with standard errors by the delta method. A model that was refused predicts nothing: the prediction has the model's reason.
func (m BGNBD) Predict(c Customer, horizon float64) (Prediction, error) {
	out := Prediction{Result: measure.Result{Method: MethodBGNBD, Design: measure.Descriptive, Level: m.Level, NTreatment: 1}, Horizon: horizon}
	if err := c.check(); err != nil {
		return out, err
	}
	if !measure.Finite(horizon) || horizon <= 0 {
		return out, fmt.Errorf("horizon: %v is not above 0", horizon)
	}
	if m.cov == nil {
		out.Result = out.Refuse(m.Reason)
		return out, nil
	}
	alive, ifAlive := m.alive(c), m.ifAlive(c, horizon)
	if !measure.Finite(alive, ifAlive) {
		out.Result = out.Refuse(OutOfRange)
		return out, nil
	}
	out.Alive, out.IfAlive = alive, ifAlive
	at := func(f func(BGNBDParams) float64) float64 {
		return deltaSE(func(theta []float64) float64 { return f(bgParams(theta)) }, m.theta, m.cov)
	}
	if se := at(func(p BGNBDParams) float64 { return p.alive(c) }); measure.Finite(se) {
		out.AliveStdErr = se
	}
	out.Result = positive(out.Result, alive*ifAlive, at(func(p BGNBDParams) float64 { return p.alive(c) * p.ifAlive(c, horizon) }))
	return out, nil
}

func bgParams(theta []float64) BGNBDParams {
	return BGNBDParams{R: math.Exp(theta[0]), Alpha: math.Exp(theta[1]), A: math.Exp(theta[2]), B: math.Exp(theta[3])}
}

// alive is the probability of not having left: 1 / (1 + [x > 0] a / (b + x - 1) ((alpha + T) / (alpha + t_x))^(r + x)). A member who never
// came again is alive by the model's assumption: one leaves only after a purchase that follows the first.
func (p BGNBDParams) alive(c Customer) float64 {
	if c.Frequency == 0 {
		return 1
	}
	x := float64(c.Frequency)
	odds := math.Log(p.A) - math.Log(p.B+x-1) + (p.R+x)*math.Log1p((c.T-c.Recency)/(p.Alpha+c.Recency))
	return 1 / (1 + math.Exp(odds))
}

// maxTerms bounds the series of ifAlive. It needs about 40 (1 + horizon / (alpha + T)) terms, plus r + x times that ratio.
const maxTerms = 50_000

// ifAlive is the expected number of purchases within t of a member who is alive; NaN when the series is too long to add up.
//
// FHL write it with the Gaussian hypergeometric function, (c-1)/(a-1) [1 - (1-z)^m 2F1(m, b+x; c-1; z)] with m = r + x, c = a + b + x and
// z = t/(alpha+T+t). At a = 1 and at c = 1 that is 0/0 or infinity minus infinity, next to them it cancels, and 2F1 overflows for large m.
// Writing both terms as series in z and taking their difference term by term removes the poles:
//
//	sum over k of w_k g_k,  w_k = (1-z)^m (m)_k z^k / k!,  g_k = sum over j < k of (b+x)_j / (c)_j
//
// w is a negative binomial distribution (purchases if nobody left), g_k the expected number of k purchases that happen before leaving. Every
// term is positive and the weights add up to 1: the sum is divided by what they add up to, so that they may be rescaled at will.
func (p BGNBDParams) ifAlive(c Customer, t float64) float64 {
	x := float64(c.Frequency)
	m, s := p.R+x, t/(p.Alpha+c.T)
	z := s / (1 + s)
	b, ab := p.B+x, p.A+p.B+x
	w, h, g, sum, weights := 1.0, 1.0, 0.0, 0.0, 0.0
	for k := 0.0; k < maxTerms; k++ {
		sum += w * g
		weights += w
		ratio := (m + k) / (k + 1) * z // of the next weight to this one; falls towards z once k > m - 1
		// What is left is less than a geometric tail whose g grows by at most 1 a step.
		if rest := 1 - ratio; w == 0 || rest > 0 && w*(g+1/rest)/rest < 1e-15*sum {
			return sum / weights
		}
		w *= ratio
		g += h
		h *= (b + k) / (ab + k)
		if w > 1e250 {
			w, sum, weights = w*1e-250, sum*1e-250, weights*1e-250
		}
	}
	return math.NaN()
}

// expected is the mean number of purchases per member of merged customers within t.
func (p BGNBDParams) expected(data []Customer, t float64) float64 {
	var sum, weight, cached float64
	for i, c := range data {
		// Neighbours often differ in recency alone, which ifAlive does not look at.
		if i == 0 || c.Frequency != data[i-1].Frequency || c.T != data[i-1].T {
			if cached = p.ifAlive(c, t); math.IsNaN(cached) {
				return cached
			}
		}
		sum += c.Weight * p.alive(c) * cached
		weight += c.Weight
	}
	return sum / weight
}

// expectedPerMember is the model's figure.
func (m *BGNBD) expectedPerMember(data []Customer) measure.Result {
	r := m.Result
	v := m.expected(data, m.Horizon)
	if !measure.Finite(v) {
		return r.Refuse(OutOfRange)
	}
	longest := 0.0
	for _, c := range data {
		longest = math.Max(longest, c.T)
	}
	if m.Horizon > longest {
		r = r.Warn(BeyondData)
	}
	return positive(r, v, deltaSE(func(theta []float64) float64 { return bgParams(theta).expected(data, m.Horizon) }, m.theta, m.cov))
}
