package measure

import "math"

// Newcombe returns the difference of two shares, kt of nt against kc of nc, with the hybrid score interval: it stays inside [-1, 1], does not
// collapse when a count is 0, and may be used below the sizes that Welch on p (1 - p) wants. P is that of the pooled two-proportion z test, which
// is not the interval's own and may differ from it at the edge. Options.Scale does not matter.
// Source: Newcombe (1998), Statistics in Medicine 17, method 10; statsmodels confint_proportions_2indep(method="newcomb").
func Newcombe(kt, nt, kc, nc int64, o Options) Result {
	r := stated(Result{Method: MethodNewcombe, Design: o.Design, Level: o.Level, NTreatment: nt, NControl: nc}, o)
	why := o.why()
	switch {
	case why != "":
	case kt < 0 || kc < 0 || kt > nt || kc > nc:
		why = NotFinite
	case nt == 0 || nc == 0:
		why = EmptyArm
	case o.Split.State == SplitFailed:
		why = SRMFailed
	case min(nt, nc) < o.MinPerArm:
		why = TooFewMembers
	}
	if why != "" {
		return r.Refuse(why)
	}
	z := criticalZ(o)
	t, c := scoreInterval(kt, nt, z), scoreInterval(kc, nc, z)
	d := t.p - c.p
	f := Figure{
		Estimate: d, Low: d - math.Hypot(t.p-t.low, c.high-c.p), High: d + math.Hypot(t.high-t.p, c.p-c.low),
		StdErr: math.Hypot(t.se, c.se), P: 1, Tail: o.Tail,
	}
	pooled := (float64(kt) + float64(kc)) / (float64(nt) + float64(nc))
	if se := math.Sqrt(pooled * (1 - pooled) * (1/float64(nt) + 1/float64(nc))); se > 0 {
		f.P = normalP(d/se, o.Tail)
	}
	return r.Warn(FixedHorizon).With(f)
}

// score is a share with Wilson's interval.
type score struct{ p, low, high, se float64 }

// scoreInterval returns Wilson's interval of k among n > 0 at the normal quantile z.
func scoreInterval(k, n int64, z float64) score {
	nf, p := float64(n), float64(k)/float64(n)
	den := 1 + z*z/nf
	mid := (p + z*z/(2*nf)) / den
	half := z / den * math.Sqrt(p*(1-p)/nf+z*z/(4*nf*nf))
	return score{p: p, low: math.Min(p, math.Max(0, mid-half)), high: math.Max(p, math.Min(1, mid+half)), se: math.Sqrt(p * (1 - p) / nf)}
}
