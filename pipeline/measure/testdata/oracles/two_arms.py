"""Oracle of the two-arm estimators, from members' raw values rather than from sums.

Made with Python 3.11, gbstats 0.8.0 (GrowthBook), scipy 1.17.1, statsmodels 0.15.0, numpy 1.26.4:
    python two_arms.py > two_arms.json
Welch absolute, DiD: scipy.stats.ttest_ind. Welch relative, one-sided, ratio, CUPED absolute, sequences: gbstats. Fieller: roots of the
test statistic by scipy.optimize.brentq. CUPED relative and ratio: variance of members' influence values. ANCOVA: statsmodels OLS.
"""
import json
import numpy as np
from scipy import optimize, stats
import statsmodels.api as sm
from gbstats.frequentist.tests import (FrequentistConfig, OneSidedTreatmentGreaterTTest, OneSidedTreatmentLesserTTest,
                                       SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest)
from gbstats.models.statistics import RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic

N_STAR = 3000


def draw(rng, n, lift, shift):
    """Heavy-tailed spend in cents with many zeros, receipts, and correlated spend before."""
    taste = rng.normal(shift, 1, n)
    x = np.where(rng.random(n) < .8, np.exp(7 + .8 * taste + .4 * rng.normal(size=n)), 0).astype(np.int64)
    d = rng.poisson(np.exp(.4 + .3 * taste))
    y = (np.where(d > 0, np.exp(7 + .8 * taste + .5 * rng.normal(size=n)) * d, 0) * (1 + lift)).astype(np.int64)
    if n % 3 == 0:
        y[::17] = -y[::17]  # returns
    return y, d, x


def sums(y, d, x):
    """Exact, as Python integers."""
    y, d, x = ([int(v) for v in a] for a in (y, d, x))
    dot = lambda a, b: str(sum(i * j for i, j in zip(a, b)))
    return {"n": len(y), "y": str(sum(y)), "d": str(sum(d)), "x": str(sum(x)), "yy": dot(y, y), "dd": dot(d, d), "xx": dot(x, x),
            "yd": dot(y, d), "xy": dot(x, y), "xd": dot(x, d)}


def mean(v):
    v = np.asarray(v, dtype=np.float64)
    return SampleMeanStatistic(n=len(v), sum=float(v.sum()), sum_squares=float((v * v).sum()))


def ratio(y, d):
    return RatioStatistic(n=len(y), m_statistic=mean(y), d_statistic=mean(d), m_d_sum_of_products=float((y * d).sum()))


def cuped(y, x):
    return RegressionAdjustedStatistic(n=len(y), post_statistic=mean(y), pre_statistic=mean(x),
                                       post_pre_sum_of_products=float((y.astype(float) * x).sum()), theta=0)


def row(test):
    r = test.compute_result()
    assert r.error_message is None, r.error_message
    ci = [None if np.isinf(v) else v for v in r.ci]
    return {"estimate": r.expected, "se": r.uplift.stddev, "low": ci[0], "high": ci[1], "p": r.p_value}


def gb(cls, c, t, scale, config=FrequentistConfig, **more):
    return row(cls(c(), t(), config(difference_type=scale, **more)))


def student(estimate, se, df):
    q = stats.t.ppf(.975, df)
    return {"estimate": estimate, "se": se, "low": estimate - q * se, "high": estimate + q * se, "p": 2 * stats.t.sf(abs(estimate / se), df), "df": df}


def welch(a, b):
    r = stats.ttest_ind(a, b, equal_var=False)
    ci = r.confidence_interval(.95)
    d = np.mean(a) - np.mean(b)
    return {"estimate": d, "se": d / r.statistic, "low": ci.low, "high": ci.high, "p": r.pvalue, "df": r.df}


def satterthwaite(a, b):
    u, v = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)
    return (u + v) ** 2 / (u * u / (len(a) - 1) + v * v / (len(b) - 1))


def fieller(a, b):
    """Where the two-sided z test of mean(a) - r mean(b) = 0 just fails."""
    u, v, z = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b), stats.norm.ppf(.975)
    f = lambda r: (a.mean() - r * b.mean()) ** 2 - z * z * (u + r * r * v)
    r = a.mean() / b.mean()
    step = 1.0
    lo, hi = r - step, r + step
    while f(lo) < 0:
        lo -= step
    while f(hi) < 0:
        hi += step
    ends = optimize.brentq(f, lo, r, xtol=1e-14), optimize.brentq(f, r, hi, xtol=1e-14)
    p = 2 * stats.norm.sf(abs(a.mean() - b.mean()) / np.sqrt(u + v))
    return {"estimate": r - 1, "low": ends[0] - 1, "high": ends[1] - 1, "p": p}


def influence(yt, dt, xt, yc, dc, xc):
    """Adjusted ratio of sums (d all ones: of means), relative to the control's raw ratio, from each member's influence on it."""
    y, d, x = np.r_[yt, yc], np.r_[dt, dc], np.r_[xt, xc]
    w = (y - y.sum() / d.sum() * d) / d.mean()
    theta = sm.OLS(w, sm.add_constant(x.astype(float))).fit().params[1]
    rt, rc = yt.sum() / dt.sum(), yc.sum() / dc.sum()
    wt, wc = (yt - rt * dt) / dt.mean(), (yc - rc * dc) / dc.mean()
    at, ac = wt - theta * xt, wc - theta * xc
    absolute = (rt - theta * xt.mean()) - (rc - theta * xc.mean())
    df = satterthwaite(at, ac)
    lift = absolute / rc
    se = np.sqrt(np.var(at / rc, ddof=1) / len(at) + np.var((rt / rc * wc - theta * xc) / rc, ddof=1) / len(ac))
    se_abs = np.sqrt(np.var(at, ddof=1) / len(at) + np.var(ac, ddof=1) / len(ac))
    return theta, student(absolute, se_abs, df), student(lift, se, df)


def ancova(yt, xt, yc, xc):
    y = np.r_[yt, yc].astype(float)
    arm = np.r_[np.ones(len(yt)), np.zeros(len(yc))]
    x = np.r_[xt, xc].astype(float)
    scale = x.std()  # the slope is of order one, the solver likes that
    f = sm.OLS(y, np.column_stack([np.ones(len(y)), arm, x / scale])).fit()
    ci = f.conf_int(.05)[1]
    return f.params[2] / scale, {"estimate": f.params[1], "se": f.bse[1], "low": ci[0], "high": ci[1], "p": f.pvalues[1], "df": f.df_resid}


def case(seed):
    rng = np.random.default_rng(seed)
    nt, nc = int(rng.integers(150, 4000)), int(rng.integers(150, 4000))
    yt, dt, xt = draw(rng, nt, rng.uniform(-.2, .4), 0)
    yc, dc, xc = draw(rng, nc, 0, rng.uniform(-.1, .1))
    m, q = (lambda: mean(yc), lambda: mean(yt)), (lambda: ratio(yc, dc), lambda: ratio(yt, dt))
    u = (lambda: cuped(yc, xc), lambda: cuped(yt, xt))
    seq = dict(config=SequentialConfig, sequential_tuning_parameter=N_STAR)
    theta, _, cuped_rel = influence(yt, np.ones(nt), xt, yc, np.ones(nc), xc)
    theta_ratio, ratio_abs, ratio_rel = influence(yt, dt, xt, yc, dc, xc)
    slope, anc = ancova(yt, xt, yc, xc)
    return {
        "treatment": sums(yt, dt, xt), "control": sums(yc, dc, xc), "theta": theta, "theta_ratio": theta_ratio, "slope": slope,
        "want": {
            "welch_absolute": welch(yt, yc), "welch_relative": gb(TwoSidedTTest, *m, "relative"),
            "greater_absolute": gb(OneSidedTreatmentGreaterTTest, *m, "absolute"), "greater_relative": gb(OneSidedTreatmentGreaterTTest, *m, "relative"),
            # gbstats 0.8.0 subtracts the width for the lesser bound too, a sign that later versions corrected: only its p is taken
            "less_absolute": {"p": gb(OneSidedTreatmentLesserTTest, *m, "absolute")["p"]},
            "ratio_absolute": gb(TwoSidedTTest, *q, "absolute"), "ratio_relative": gb(TwoSidedTTest, *q, "relative"),
            "cuped_absolute": gb(TwoSidedTTest, *u, "absolute"), "cuped_relative": cuped_rel,
            "cuped_ratio_absolute": ratio_abs, "cuped_ratio_relative": ratio_rel,
            "always_absolute": gb(SequentialTwoSidedTTest, *m, "absolute", **seq), "always_relative": gb(SequentialTwoSidedTTest, *m, "relative", **seq),
            "always_ratio_relative": gb(SequentialTwoSidedTTest, *q, "relative", **seq),
            "always_cuped_absolute": gb(SequentialTwoSidedTTest, *u, "absolute", **seq),
            "fieller": fieller(yt, yc), "did": welch(yt - xt, yc - xc), "naive": welch(yt, yc), "ancova": anc,
        },
    }


if __name__ == "__main__":
    print(json.dumps({"n_star": N_STAR, "cases": [case(s) for s in range(11, 21)]}, indent=None, separators=(",", ":")).replace('{"treatment"', '\n{"treatment"'))
