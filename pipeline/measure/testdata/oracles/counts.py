"""Oracle of shares, sample-ratio checks, many tests, planning and Student's t.

Made with Python 3.11, statsmodels 0.15.0, scipy 1.17.1, ssrm-test 0.1.5, mpmath 1.4.1, numpy 1.26.4 (ssrm-test needs toolz):
    python counts.py > counts.json
Wilson, Newcombe, two-proportion z: statsmodels.stats.proportion. Chi-square: scipy.stats.chisquare. Sequential SRM: ssrm_test, and mpmath with
60 digits for counts at which log-gammas cancel. Benjamini-Hochberg: statsmodels multipletests. Power, sample size: statsmodels
NormalIndPower. Student's t: mpmath's incomplete beta function with 60 digits. Covariance: numpy.cov.
"""
import json
import numpy as np
from mpmath import mp, mpf
from scipy import optimize, stats
from ssrm_test.ssrm_test import bayes_factor, sequential_posteriors
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

mp.dps = 60


def shares(rng):
    out = []
    for i in range(25):
        nt, nc = int(rng.integers(5, 40_000)), int(rng.integers(5, 4_000))
        kt, kc = int(rng.binomial(nt, rng.uniform(0, .4))), int(rng.binomial(nc, rng.uniform(0, .4)))
        if i == 0:
            kt, kc = 0, 3
        if i == 1:
            kt, kc = nt, nc - 2
        lo, hi = confint_proportions_2indep(kt, nt, kc, nc, method="newcomb", compare="diff")
        wlo, whi = proportion_confint(kt, nt, method="wilson")
        p = proportions_ztest([kt, kc], [nt, nc])[1]
        p_greater = proportions_ztest([kt, kc], [nt, nc], alternative="larger")[1]
        out.append({"kt": kt, "nt": nt, "kc": kc, "nc": nc, "low": lo, "high": hi, "p": p, "p_greater": p_greater, "wilson": [wlo, whi]})
    return out


def log_e(counts, theta, conc):
    theta = [mpf(t) / sum(mpf(v) for v in theta) for t in theta]  # .9 + .1 is not 1 in binary, which 1e18 members would see
    lb = lambda a: sum(mp.loggamma(v) for v in a) - mp.loggamma(sum(a))
    prior = [mpf(conc) * t for t in theta]
    return float(lb([a + k for a, k in zip(prior, counts)]) - lb(prior) - sum(k * mp.log(t) for k, t in zip(counts, theta)))


def splits(rng):
    out = []
    for i in range(20):
        share = float(rng.choice([.01, .05, .1, .5]))
        n = int(10 ** rng.uniform(2.5, 6))
        kc = int(rng.binomial(n, share * rng.choice([1, 1.02, 1.1])))
        chi = stats.chisquare([n - kc, kc], [n * (1 - share), n * share])
        post = sequential_posteriors(np.array([[n - kc, kc]]), np.array([1 - share, share]))[-1]
        with np.errstate(over="ignore"):
            e = bayes_factor(post)
        out.append({"nt": n - kc, "nc": kc, "holdout": share, "chi": chi.statistic, "p": chi.pvalue, "e": None if np.isinf(e) else float(e),
                    "log_e": log_e([n - kc, kc], [1 - share, share], 10_000)})
    return out


def multinomials():
    rows = [([50, 30, 20], [.5, .3, .2], 10_000), ([9, 0, 1], [.8, .1, .1], 2), ([10**9, 10**9 + 10**5], [.5, .5], 10_000),
            ([9 * 10**17 + 10**10, 10**17 - 10**10], [.9, .1], 10_000), ([2**62, 2**62], [.5, .5], 10_000), ([2**61, 1, 2**60], [.6, .1, .3], 1),
            ([0, 0], [.9, .1], 100), ([900, 1200], [.5, .5], .5), ([10**6, 10**3], [.999, .001], 1e5)]
    return [{"counts": c, "planned": t, "concentration": k, "log_e": log_e(c, t, k)} for c, t, k in rows]


def many(rng):
    out = []
    for n in (1, 2, 7, 40):
        p = np.where(rng.random(n) < .3, rng.random(n) * .01, rng.random(n)).round(4)
        reject, adjusted, _, _ = multipletests(p, alpha=.1, method="fdr_bh")
        out.append({"p": p.tolist(), "q": .1, "adjusted": adjusted.tolist(), "significant": reject.tolist()})
    return out


def planning(rng):
    out = []
    for i in range(20):
        mean, cv, holdout = rng.uniform(1, 100), rng.uniform(.5, 4), float(rng.choice([.05, .1, .5]))
        level, power, effect = float(rng.choice([.9, .95, .99])), float(rng.choice([.8, .9])), rng.uniform(.02, .2)
        side = ["two-sided", "larger"][i % 2]
        size, ratio = effect / cv, holdout / (1 - holdout)  # ratio = nobs2 / nobs1, arm 1 is the treatment
        nip = NormalIndPower()
        # statsmodels' own root finder stops at four to seven digits, so that its power function is inverted here
        n1 = optimize.brentq(lambda n: nip.power(size, n, 1 - level, ratio=ratio, alternative=side) - power, 1, 1e9, xtol=1e-9, rtol=1e-14)
        members = int(rng.integers(2_000, 200_000))
        got = nip.power(size, members * (1 - holdout), 1 - level, ratio=ratio, alternative=side)
        mde = cv * optimize.brentq(lambda d: nip.power(d, members * (1 - holdout), 1 - level, ratio=ratio, alternative=side) - power, 1e-9, 9, xtol=1e-14)
        out.append({"mean": mean, "var": (cv * mean) ** 2, "holdout": holdout, "level": level, "power": power, "effect": effect, "side": side,
                    "total": n1 * (1 + ratio), "members": members, "power_at": got, "mde_at": float(mde)})
    return out


def student():
    def tail(t, df):
        x = df / (df + t * t)
        return mp.betainc(df / 2, mpf(1) / 2, 0, x, regularized=True) / 2
    out = []
    for df in (3.5, 30, 150, 199, 200, 350.25, 999, 1000, 5e4, 1e6, 1e9):
        for t in (.01, .8, 1.96, 3.3, 5.5):
            out.append({"df": df, "t": t, "tail": float(tail(mpf(t), mpf(df)))})
    quantiles = []
    for df in (3.5, 30, 150, 200, 350.25, 999, 1000, 5e4, 1e6, 1e9):
        for p in (.6, .95, .975, .9995, .9999999):
            guess = mpf(stats.t.ppf(p, df))
            for _ in range(6):  # Newton with 60 digits
                x = guess
                pdf = mp.gamma((mpf(df) + 1) / 2) / mp.sqrt(mpf(df) * mp.pi) / mp.gamma(mpf(df) / 2) * (1 + x * x / df) ** (-(mpf(df) + 1) / 2) if df < 1e5 \
                    else mp.exp(mp.loggamma((mpf(df) + 1) / 2) - mp.loggamma(mpf(df) / 2) - (mpf(df) + 1) / 2 * mp.log1p(x * x / df)) / mp.sqrt(mpf(df) * mp.pi)
                guess = x + (tail(x, mpf(df)) - (1 - mpf(p))) / pdf
            quantiles.append({"df": df, "p": p, "t": float(guess)})
    return out, quantiles


def covariances(rng):
    out = []
    for n in (2, 9, 30):
        x, y = rng.normal(1e6, 1, n), rng.normal(-1e3, 5, n)
        out.append({"x": x.tolist(), "y": y.tolist(), "cov": float(np.cov(x, y)[0, 1])})
    return out


if __name__ == "__main__":
    rng = np.random.default_rng(2024)
    tails, quantiles = student()
    print(json.dumps({"shares": shares(rng), "splits": splits(rng), "multinomials": multinomials(), "many": many(rng), "planning": planning(rng),
                      "tails": tails, "quantiles": quantiles, "covariances": covariances(rng)}, separators=(",", ":")).replace('],"', '],\n"'))
