package series

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// hull is the answer to: which convex combination of points lies nearest to the origin? For points x_i - y it is the synthetic control's weights,
// min ||y - sum w_i x_i|| over w >= 0, sum w = 1, since the weights sum to one.
type hull struct {
	w          []float64
	gap        float64 // Frank-Wolfe duality gap over the largest ||p||^2: the squared distance to the true nearest point is at most gap
	iterations int
	ok         bool // the gap certifies the optimum
}

const (
	gapStop   = 1e-15 // of the largest ||p||^2: below it rounding decides
	gapAccept = 1e-10 // the fit is then within 1e-5 of the largest distance between a donor and the target, in practice far less
	tiny      = 1e-14 // a weight below it is nought
)

// nearest runs Wolfe's algorithm (Wolfe 1976, "Finding the nearest point in a polytope", Mathematical Programming 11): an active set that grows by
// the point the gradient likes most and shrinks by those whose weight would turn negative. It ends after finitely many sets in exact arithmetic;
// here the steps are bounded besides, and the duality gap v.v - min v.p_i (Jaggi 2013) tells whether the answer may be used. Accelerated
// projected gradient was the alternative: it needs thousands of steps on nearly collinear donors, where this takes about as many as there
// are positive weights.
//
// warm is an earlier answer over the same points' indices, or nil.
func nearest(points [][]float64, warm []float64) hull {
	s := newWolfe(points, warm)
	for limit := 20 * (len(points) + len(points[0]) + 10); s.iterations < limit; s.iterations++ {
		if !s.project() {
			break
		}
		j, gap := s.best()
		s.gap = gap
		if gap <= gapStop*s.scale || s.in[j] {
			break
		}
		s.add(j)
	}
	_, s.gap = s.best()
	return s.answer()
}

// wolfe is the state of the search: the corral (the active points), their weights and v, the combination.
type wolfe struct {
	points     [][]float64
	norms      []float64 // ||p||^2
	scale      float64
	corral     []int
	w          []float64 // of the corral
	in         []bool
	v          []float64
	gap        float64
	iterations int
}

func newWolfe(points [][]float64, warm []float64) *wolfe {
	s := &wolfe{points: points, norms: make([]float64, len(points)), in: make([]bool, len(points)), v: make([]float64, len(points[0]))}
	first := 0
	for i, p := range points {
		s.norms[i] = dot(p, p)
		s.scale = math.Max(s.scale, s.norms[i])
		if s.norms[i] < s.norms[first] {
			first = i
		}
	}
	for i, w := range warm {
		if w > tiny {
			s.add(i)
			s.w[len(s.w)-1] = w
		}
	}
	if total := sum(s.w); len(s.w) > 0 {
		for i := range s.w {
			s.w[i] /= total
		}
	} else {
		s.add(first)
		s.w[0] = 1
	}
	return s
}

func (s *wolfe) add(j int) {
	s.corral, s.w, s.in[j] = append(s.corral, j), append(s.w, 0), true
}

// best is the point that the gradient likes most, and the duality gap that it proves.
func (s *wolfe) best() (int, float64) {
	clear(s.v)
	for k, i := range s.corral {
		for t, x := range s.points[i] {
			s.v[t] += s.w[k] * x
		}
	}
	j, least := 0, math.Inf(1)
	for i, p := range s.points {
		if d := dot(s.v, p); d < least {
			j, least = i, d
		}
	}
	return j, dot(s.v, s.v) - least
}

// project moves to the nearest point of the corral's affine hull, dropping those that leave the simplex on the way (Wolfe's minor cycle). Each
// turn drops at least one point, so it ends.
func (s *wolfe) project() bool {
	for len(s.corral) > 0 {
		target, ok := s.affine()
		if !ok {
			return false
		}
		step, worst := 1.0, -1
		for k, a := range target {
			if a <= tiny {
				if t := s.w[k] / (s.w[k] - a); worst < 0 || t < step {
					step, worst = math.Min(1, t), k
				}
			}
		}
		if worst < 0 {
			copy(s.w, target)
			return true
		}
		if math.IsNaN(step) {
			step = 0
		}
		for k := range s.w {
			s.w[k] += step * (target[k] - s.w[k])
		}
		s.w[worst] = 0
		s.drop()
	}
	return false
}

// drop removes the points of weight nought.
func (s *wolfe) drop() {
	n, total := 0, 0.0
	for k, i := range s.corral {
		if s.w[k] <= tiny {
			s.in[i] = false
			continue
		}
		s.corral[n], s.w[n] = i, s.w[k]
		total += s.w[k]
		n++
	}
	s.corral, s.w = s.corral[:n], s.w[:n]
	for k := range s.w {
		s.w[k] /= total
	}
}

// affine solves min ||sum a_i p_i|| with sum a = 1 over the corral: (G + c 11') u = 1, a = u / sum u, for any c > 0. A corral that is affinely
// dependent to rounding gets a ridge of 1e-13, which moves the fit by less than the gap that is accepted.
func (s *wolfe) affine() ([]float64, bool) {
	k := len(s.corral)
	if k == 1 {
		return []float64{1}, true
	}
	g := mat.NewSymDense(k, nil)
	shift := 0.0
	for a, i := range s.corral {
		shift += s.norms[i] / float64(k)
		for b := a; b < k; b++ {
			g.SetSym(a, b, dot(s.points[i], s.points[s.corral[b]]))
		}
	}
	if shift == 0 {
		return nil, false
	}
	ones := mat.NewVecDense(k, nil)
	for a := range k {
		ones.SetVec(a, 1)
		for b := a; b < k; b++ {
			g.SetSym(a, b, g.At(a, b)+shift)
		}
	}
	var u mat.VecDense
	for _, ridge := range []float64{0, 1e-13 * shift, 1e-11 * shift} {
		for a := range k {
			g.SetSym(a, a, g.At(a, a)+ridge)
		}
		var chol mat.Cholesky
		if !chol.Factorize(g) || chol.SolveVecTo(&u, ones) != nil {
			continue
		}
		out := make([]float64, k)
		total := sum(u.RawVector().Data)
		for a := range out {
			out[a] = u.AtVec(a) / total
		}
		if total > 0 {
			return out, true
		}
	}
	return nil, false
}

func (s *wolfe) answer() hull {
	h := hull{w: make([]float64, len(s.points)), iterations: s.iterations}
	for k, i := range s.corral {
		h.w[i] = s.w[k]
	}
	if s.scale > 0 {
		h.gap = math.Max(0, s.gap) / s.scale
	}
	h.ok = h.gap <= gapAccept && len(s.corral) > 0 // false for NaN too
	return h
}
