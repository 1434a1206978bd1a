"""Oracle of pipeline/measure/members on random inputs (fixed seed) and on CDNOW. Prints its JSON.

Libraries: Lifetimes 0.11.3 (BetaGeoFitter, GammaGammaFitter, customer_lifetime_value), lifelines 0.30.3 and statsmodels 0.15.0 (Kaplan-Meier),
chainladder 0.10.1 (MackChainladder), statsmodels 0.15.0 (Wilson, Welch), mpmath 1.4.1 (hypergeometric function with 60 digits),
scipy 1.17.1 (Fieller's interval by root finding), pandas 2.3.3 (cohort table).
Run again: pip install Lifetimes==0.11.3 lifelines==0.30.3 chainladder==0.10.1 statsmodels==0.15.0 mpmath pandas==2.3.3 &&
CAGNOTTE_DATA=<folder of the data sets> python members.py > members.json
CDNOW's rows are read from there and not copied: the fixture holds results only.
"""
import json, os, pathlib, sys, warnings
import mpmath as mp, numpy as np, pandas as pd
import chainladder as cl
from lifelines import KaplanMeierFitter
from lifetimes import BetaGeoFitter, GammaGammaFitter
from scipy import optimize, stats
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

warnings.filterwarnings("ignore")
answer, sys.stdout = sys.stdout, sys.stderr  # Lifetimes prints its failed attempts to standard output
rng = np.random.default_rng(20050815)
WEEKS = 4.345  # of a month, the constant that Lifetimes has


def buy(n, r, alpha, a, b, p, q, v):
    """Members of BG/NBD with Gamma-Gamma spend, simulated from the definition: (frequency, recency, T, value)."""
    rows = []
    for _ in range(n):
        T = round(rng.uniform(20, 40), 2)
        rate, leave, nu = rng.gamma(r, 1 / alpha), rng.beta(a, b), rng.gamma(q, 1 / v)
        t, last, values = 0.0, 0.0, []
        while True:
            t += rng.exponential(1 / rate) if rate > 0 else np.inf
            if t > T:
                break
            last = t
            values.append(rng.gamma(p, 1 / nu))
            if rng.random() < leave:
                break
        rows.append((len(values), round(last, 3), T, round(float(np.mean(values)), 2) if values else 0.0))
    return pd.DataFrame(rows, columns=["x", "tx", "T", "value"])


def fitted(d):
    again = d[d.x > 0]
    return tightest(BetaGeoFitter, d.x, d.tx, d["T"]), tightest(GammaGammaFitter, again.x, again.value)


def tightest(fitter, *columns):
    """Lifetimes calls an optimum that it cannot improve at the tolerance asked for an error: take the tightest that it accepts."""
    for tol in (1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7):
        try:
            return fitter().fit(*columns, tol=tol)
        except Exception as e:  # its own ConvergenceError; anything else fails at every tolerance and is raised below
            last = e
    raise last


def models(d, probe):
    bg, gg = fitted(d)
    q = d.iloc[probe]
    some = d.head(40)
    clv = gg.customer_lifetime_value(bg, some.x, some.tx, some["T"], some.value, time=12, discount_rate=0.01, freq="W")
    loglik = -len(d) * BetaGeoFitter._negative_log_likelihood(np.log(bg.params_.values), d.x.values, d.tx.values, d["T"].values, np.ones(len(d)), 0)
    return dict(
        r=bg.params_["r"], alpha=bg.params_["alpha"], a=bg.params_["a"], b=bg.params_["b"], loglik=loglik,
        se=bg.standard_errors_.tolist(), p=gg.params_["p"], q=gg.params_["q"], v=gg.params_["v"],
        probe=probe, expected=bg.predict(39, q.x, q.tx, q["T"]).tolist(), alive=np.ravel(bg.conditional_probability_alive(q.x, q.tx, q["T"])).tolist(),
        spend=gg.conditional_expected_average_profit(q.x, q.value).tolist(), clv=clv.tolist(), clv_step=WEEKS,
    )


def conditional(r, alpha, a, b, x, T, t):
    """FHL 2005 eq. 10 without the probability of being alive, with 60 digits; at the poles a limit from beside them."""
    mp.mp.dps = 60
    r, alpha, a, b, T, t = map(mp.mpf, (repr(r), repr(alpha), repr(a), repr(b), repr(T), repr(t)))
    if a == 1:
        a += mp.mpf(10) ** -30
    if a + b + x == 1:
        b += mp.mpf(10) ** -30
    z = t / (alpha + T + t)
    f = mp.hyp2f1(r + x, b + x, a + b + x - 1, z, maxterms=10**6)
    return float((a + b + x - 1) / (a - 1) * (1 - (1 - z) ** (r + x) * f))


def conditionals():
    cases = [(0.243, 4.414, 0.793, 2.426, 2, 38.86, 39.0), (0.5, 3, 1.0, 2.0, 4, 30, 20), (0.5, 3, 0.25, 0.75, 0, 30, 20), (0.5, 3, 1 + 1e-9, 2.0, 4, 30, 20),
             (2, 1, 0.1, 0.2, 0, 0.0, 50), (0.3, 5, 0.01, 10, 150, 52, 104), (3, 0.5, 5, 50, 600, 60, 60), (0.05, 20, 30, 0.5, 1, 10, 500), (1, 1, 2, 3, 0, 0.0, 1e-6)]
    for _ in range(40):
        cases.append((float(rng.gamma(1, 1)) + 0.01, float(rng.gamma(2, 3)) + 0.1, float(rng.gamma(1, 1)) + 0.01, float(rng.gamma(1, 3)) + 0.01,
                      int(rng.poisson(rng.gamma(1, 8))), float(rng.uniform(0, 60)), float(rng.gamma(1, 40)) + 0.01))
    return [dict(zip(("r", "alpha", "a", "b", "x", "T", "t"), c), want=conditional(*c)) for c in cases]


def survival(n, ties):
    d = rng.weibull(0.8, n) * 30
    d = np.ceil(d) if ties else np.round(d, 3)
    c = np.ceil(rng.uniform(5, 60, n)) if ties else np.round(rng.uniform(5, 60, n), 3)
    t, event = np.minimum(d, c), d <= c
    km = KaplanMeierFitter().fit(t, event)
    ci = km.confidence_interval_
    sf = SurvfuncRight(t, event)
    steps = [dict(time=float(x), survival=float(s), std_err=float(e), at_risk=int(r), low=float(ci.iloc[ci.index.get_loc(x), 0]), high=float(ci.iloc[ci.index.get_loc(x), 1]))
             for x, s, e, r in zip(sf.surv_times, sf.surv_prob, sf.surv_prob_se, sf.n_risk)]
    median = float(km.median_survival_time_)
    return dict(duration=t.tolist(), lapsed=event.tolist(), steps=steps, median=median if np.isfinite(median) else None)


def ladder(cumulative):
    """Mack by the chainladder package; rows are origins."""
    n = len(cumulative)
    frame = pd.DataFrame([dict(origin=2000 + i, dev=2000 + i + k, v=v) for i, row in enumerate(cumulative) for k, v in enumerate(row)])
    tri = cl.Triangle(frame, origin="origin", development="dev", columns="v", cumulative=True)
    m = cl.MackChainladder().fit(cl.Development(sigma_interpolation="mack").fit_transform(tri))
    flat = lambda v: np.nan_to_num(np.ravel(v)).tolist()
    s = m.summary_.to_frame(origin_as_datetime=False)
    return dict(cumulative=cumulative, factors=flat(m.ldf_.values)[: n - 1], open=flat(s["IBNR"]), se=flat(s["Mack Std Err"]),
                total=float(m.ibnr_.sum("origin")), total_se=float(np.ravel(m.total_mack_std_err_)[0]))


def ladders():
    genins = cl.load_sample("genins").values[0, 0]
    taylor_ashe = [[float(v) for v in row if np.isfinite(v)] for row in genins]
    out = [ladder(taylor_ashe)]
    for n in (4, 7):
        rows = []
        for i in range(n):
            issued = rng.uniform(5000, 20000)
            share = np.cumsum(rng.dirichlet(8 * 0.6 ** np.arange(n + 1)))[:n]
            rows.append([round(float(issued * s), 2) for s in share[: n - i]])
        out.append(ladder(rows))
    return out


def returns():
    """Margin and cost of members: Fieller's interval by root finding on the raw rows, Welch's by statsmodels."""
    out = []
    for nt, nc, fixed in ((400, 300, 500.0), (2500, 250, 0.0), (150, 900, 50.0)):
        m = [rng.gamma(1.2, 20, n) for n in (nt, nc)]
        m[0] *= 1.25
        c = [np.round(0.02 * m[0] * rng.uniform(0.5, 6, nt), 2), np.zeros(nc)]
        m = [np.round(v, 2) for v in m]
        cov = [np.cov(np.vstack([a, b])) / len(a) for a, b in zip(m, c)]
        x, y = m[0].mean() - m[1].mean(), c[0].mean() - c[1].mean() + fixed / nt
        v = cov[0] + cov[1]
        z = stats.norm.ppf(0.975)
        f = lambda r: (x - r * y) ** 2 - z * z * (v[0, 0] - 2 * r * v[0, 1] + r * r * v[1, 1])
        r = x / y
        low, high = optimize.brentq(f, r - 1e4, r, xtol=1e-13), optimize.brentq(f, r, r + 1e4, xtol=1e-13)
        welch = CompareMeans(DescrStatsW(m[0]), DescrStatsW(m[1])).tconfint_diff(usevar="unequal")
        sums = lambda a, b: dict(n=len(a), y=a.sum(), yy=(a * a).sum(), d=b.sum(), dd=(b * b).sum(), yd=(a * b).sum())
        out.append(dict(treatment=sums(m[0], c[0]), control=sums(m[1], c[1]), fixed=fixed, roi=r - 1, low=low - 1, high=high - 1,
                        p=2 * stats.norm.sf(abs(x - y) / np.sqrt(v[0, 0] - 2 * v[0, 1] + v[1, 1])), margin=[nt * w for w in (x, *welch)],
                        rate=c[0].sum() / m[0].sum(), rate_se=float(np.std(c[0] - c[0].sum() / m[0].sum() * m[0], ddof=1) / m[0].mean() / np.sqrt(nt))))
    return out


def cohorts():
    through, rows = 11, []
    for _ in range(150):
        joined = int(rng.integers(0, 14))
        active = sorted({int(joined + k) for k in np.flatnonzero(rng.random(16 - joined) < 0.7 * 0.85 ** np.arange(16 - joined))})
        rows.append(dict(joined=joined, active=active))
    seen = [r for r in rows if r["joined"] <= through]
    size = pd.Series([r["joined"] for r in seen]).value_counts().sort_index()
    flat = pd.DataFrame([(r["joined"], a - r["joined"]) for r in seen for a in r["active"] if a <= through], columns=["joined", "age"])
    table = pd.crosstab(flat.joined, flat.age).reindex(index=size.index, columns=range(through + 1), fill_value=0)
    cells = [[int(table.loc[c, k]) for k in range(through - c + 1)] for c in size.index]
    curve = []
    for k in range(through - int(size.index[0]) + 1):
        reached = [c for c in size.index if c + k <= through]
        a, n = int(table.loc[reached, k].sum()), int(size[reached].sum())
        curve.append([a, n, *map(float, proportion_confint(a, n, method="wilson"))])
    return dict(through=through, rows=rows, joined=[int(c) for c in size.index], size=[int(v) for v in size], cells=cells, curve=curve)


cdnow = pd.read_csv(pathlib.Path(os.environ["CAGNOTTE_DATA"]) / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
cdnow.columns = ["id", "x", "tx", "T", "value"]
simulated = []
for n, params in ((500, (0.6, 5, 0.8, 3, 6, 4, 15)), (400, (2.0, 8, 0.5, 2.5, 2, 3, 20))):
    d = buy(n, *params)
    simulated.append(dict(customers=d.values.tolist(), **models(d, [0, 1, 2, 3, 4, 5, 6, 7])))
out = dict(cdnow=models(cdnow[["x", "tx", "T", "value"]], [0, 1, 4, 7, 42, 300, 1000, 2356]), simulated=simulated, conditional=conditionals(),
           survival=[survival(60, True), survival(60, False), survival(25, True)], ladder=ladders(), returns=returns(), cohorts=cohorts())
tidy = lambda v: float(f"{v:.15g}") if isinstance(v, float) else v
walk = lambda v: {k: walk(w) for k, w in v.items()} if isinstance(v, dict) else [walk(w) for w in v] if isinstance(v, list) else tidy(v.item() if isinstance(v, np.generic) else v)
text = json.dumps(walk(out), separators=(",", ":"), allow_nan=False)
print(text, file=answer)
