package members

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"

	"cagnotte/pipeline/measure"
)

// GammaGammaParams are the three parameters of the Gamma-Gamma model of spend (Fader & Hardie, "The Gamma-Gamma model of monetary value",
// 2013): a purchase of a member is Gamma(P, nu), and nu is Gamma(Q, V) over members (V in money).
type GammaGammaParams struct {
	P float64 `json:"p"`
	Q float64 `json:"q"`
	V float64 `json:"v"`
}

// Independence is the model's assumption put to the data: the correlation between how often and how much members buy.
type Independence struct {
	Correlation float64 `json:"correlation"` // Pearson, over members with a purchase after the first
	P           float64 `json:"p"`           // two-sided, Fisher's z
}

// GammaGamma is a fitted model. The figure is the population's mean value of a purchase, P V / (Q - 1).
type GammaGamma struct {
	measure.Result
	GammaGammaParams
	StdErr       GammaGammaParams `json:"se"`
	LogLik       float64          `json:"loglik"`
	Members      float64          `json:"members"` // with a purchase after the first: only their values are used
	Independence Independence     `json:"independence"`
	Convergence  Convergence      `json:"convergence"`
	theta        []float64
	cov          *mat.SymDense
}

// correlated is the correlation of frequency and value above which the model misleads when the correlation is not chance: members who come
// often would be given the spend of those who come rarely, or the reverse.
// CDNOW, on which the model was published, has 0.11.
const correlated = 0.15

// FitGammaGamma fits the model by maximum likelihood to the members with a purchase after the first, whose Value must be above 0. It is
// refused like FitBGNBD, and with no_mean_spend when Q <= 1. The warning spend_depends_on_visit says that frequency and value correlate
// (|r| > 0.15 with p < 0.01).
func FitGammaGamma(rows []Customer, o FitOptions) (GammaGamma, error) {
	out := GammaGamma{Result: measure.Result{Method: MethodGammaGamma, Design: measure.Descriptive, Level: o.Level}}
	if err := checkFit(rows, o); err != nil {
		return out, err
	}
	data, err := spenders(rows)
	if err != nil {
		return out, err
	}
	sums := total(data)
	if why := sums.forbidden(o); why != "" && why != NoEvents { // time plays no part
		out.Result = out.Refuse(why)
		return out, nil
	}
	out.Members, out.NTreatment = sums.members, int64(sums.members)
	c := correlate(data)
	if !c.spread() {
		out.Result = out.Refuse(measure.ZeroVariance)
		return out, nil
	}
	out.Independence = c.independence()
	if math.Abs(out.Independence.Correlation) > correlated && out.Independence.P < 0.01 {
		out.Result = out.Warn(SpendDependsOnVisit)
	}
	likelihood := newGGLikelihood(data, c.meanValue)
	best, why := maximise(likelihood.eval, sums.members, ggStarts())
	out.Convergence = best.Convergence
	if why == NotConverged {
		out.Result = out.Refuse(why)
		return out, nil
	}
	out.take(best, c.meanValue, sums.members)
	if why != "" {
		out.Result = out.Refuse(why)
		return out, nil
	}
	if 2*best.Agreed < best.Starts {
		out.Result = out.Warn(FewStartsAgree)
	}
	out.Result = out.meanSpend()
	return out, nil
}

// spenders are the members with a purchase after the first.
func spenders(rows []Customer) ([]Customer, error) {
	var out []Customer
	for i, c := range rows {
		if c.Frequency == 0 {
			continue
		}
		if c.Value <= 0 {
			return nil, fieldError(i, "value", "a member with purchases after the first spent nothing in them")
		}
		c.Weight = c.weight()
		out = append(out, c)
	}
	return out, nil
}

// take sets the parameters, v back in the data's money. The likelihood is that of the mean values in the data's money: a density, so that the
// scale enters once per member.
func (m *GammaGamma) take(best optimum, scale, members float64) {
	v, se := best.natural()
	m.GammaGammaParams = GammaGammaParams{P: v[0], Q: v[1], V: v[2] * scale}
	m.StdErr = GammaGammaParams{P: se[0], Q: se[1], V: se[2] * scale}
	m.LogLik = -members * (best.value + math.Log(scale))
	m.theta, m.cov = []float64{best.theta[0], best.theta[1], best.theta[2] + math.Log(scale)}, best.cov
}

func ggStarts() [][]float64 {
	l := math.Log
	return [][]float64{{l(1), l(3), l(2)}, {l(6), l(4), l(0.5)}, {l(0.3), l(2), l(3)}}
}

// meanSpend is the model's figure.
func (m *GammaGamma) meanSpend() measure.Result {
	if m.Q <= 1 {
		return m.Refuse(NoMeanSpend)
	}
	return positive(m.Result, m.P*m.V/(m.Q-1), deltaSE(func(theta []float64) float64 {
		p := ggParams(theta)
		return p.P * p.V / (p.Q - 1)
	}, m.theta, m.cov))
}

func ggParams(theta []float64) GammaGammaParams {
	return GammaGammaParams{P: math.Exp(theta[0]), Q: math.Exp(theta[1]), V: math.Exp(theta[2])}
}

// Spend is the expected mean value of a member's purchases given the history, P (V + x zbar) / (P x + Q - 1): between the member's own mean
// and the population's. ok is false when it does not exist (a member without a purchase after the first, and Q <= 1).
func (p GammaGammaParams) Spend(c Customer) (value float64, ok bool) {
	x := float64(c.Frequency)
	v := p.P * (p.V + x*c.Value) / (p.P*x + p.Q - 1)
	return v, measure.Finite(v) && p.P*x+p.Q > 1
}

// ggLikelihood is the data of the members with a purchase after the first.
type ggLikelihood struct {
	counts  []bgCount
	rows    []ggRow
	weight  float64
	logs    float64 // sum of w log(m)
	xlogsum float64 // sum of w x log(x m)
}

type ggRow struct{ x, spend, weight float64 } // spend is x times the mean value

func newGGLikelihood(data []Customer, scale float64) *ggLikelihood {
	l := &ggLikelihood{rows: make([]ggRow, 0, len(data))}
	for _, c := range data {
		x, value := float64(c.Frequency), c.Value/scale
		if n := len(l.counts); n == 0 || l.counts[n-1].x != x {
			l.counts = append(l.counts, bgCount{x: x})
		}
		l.counts[len(l.counts)-1].weight += c.Weight
		l.weight += c.Weight
		l.logs += c.Weight * math.Log(value)
		l.xlogsum += c.Weight * x * math.Log(x*value)
		l.rows = append(l.rows, ggRow{x: x, spend: x * value, weight: c.Weight})
	}
	return l
}

// eval is the mean negative log-likelihood and its gradient in log(p, q, v). Per member with x purchases of mean value m (Fader & Hardie 2013,
// eq. 1a): lgamma(px+q) - lgamma(px) - lgamma(q) + q log v + (px-1) log m + px log x - (px+q) log(xm+v).
func (l *ggLikelihood) eval(theta, grad []float64) float64 {
	if !(largest(theta) < 2*maxTheta) {
		clear(grad)
		return math.Inf(1)
	}
	p, q, v := math.Exp(theta[0]), math.Exp(theta[1]), math.Exp(theta[2])
	sum := l.weight*q*theta[2] + p*l.xlogsum - l.logs
	dp, dq, dv := l.xlogsum, l.weight*theta[2], l.weight*q/v
	lq, pq := lgamma(q), mathext.Digamma(q)
	for _, c := range l.counts {
		px := p * c.x
		sum += c.weight * (lgamma(px+q) - lgamma(px) - lq)
		psi := mathext.Digamma(px + q)
		dp += c.weight * c.x * (psi - mathext.Digamma(px))
		dq += c.weight * (psi - pq)
	}
	for _, row := range l.rows {
		s, m := row.spend+v, p*row.x+q
		log := math.Log(s)
		sum -= row.weight * m * log
		dp -= row.weight * row.x * log
		dq -= row.weight * log
		dv -= row.weight * m / s
	}
	for i, d := range [3]float64{dp * p, dq * q, dv * v} {
		grad[i] = -d / l.weight
	}
	return -sum / l.weight
}

// correlation holds the weighted moments of frequency and value around their means.
type correlation struct {
	n, meanValue, xx, yy, xy float64
}

func correlate(data []Customer) (c correlation) {
	var sx, sy float64
	for _, d := range data {
		c.n += d.Weight
		sx += d.Weight * float64(d.Frequency)
		sy += d.Weight * d.Value
	}
	mx := sx / c.n
	c.meanValue = sy / c.n
	for _, d := range data {
		dx, dy := float64(d.Frequency)/mx-1, d.Value/c.meanValue-1
		c.xx += d.Weight * dx * dx
		c.yy += d.Weight * dy * dy
		c.xy += d.Weight * dx * dy
	}
	return c
}

// spread reports whether values differ at all: a likelihood of equal ones has no maximum.
func (c correlation) spread() bool {
	return measure.Finite(c.meanValue, c.yy) && c.yy > cancellation*c.n
}

// independence returns the correlation; members of one frequency have none.
func (c correlation) independence() Independence {
	if c.xx <= cancellation*c.n || c.n <= 3 || !measure.Finite(c.xx, c.xy) {
		return Independence{P: 1}
	}
	r := math.Max(-1, math.Min(1, c.xy/math.Sqrt(c.xx)/math.Sqrt(c.yy)))
	return Independence{Correlation: r, P: twoSided(math.Atanh(math.Max(-1+1e-15, math.Min(1-1e-15, r))) * math.Sqrt(c.n-3))}
}
