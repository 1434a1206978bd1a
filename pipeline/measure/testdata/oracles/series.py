"""Oracle of pipeline/measure/series: the same estimators by statsmodels, scipy and numpy on random inputs.

statsmodels 0.15.0, scipy 1.17.1, numpy 2.4.6. Run it again: python series.py > series.json
"""
import json
import warnings

import numpy as np
import statsmodels.api as sm
from scipy.optimize import minimize
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.stats.stattools import durbin_watson

warnings.simplefilter("ignore")
rng = np.random.default_rng(20240612)


def walk(n, sd):
    return np.cumsum(rng.normal(0, sd, n))


def r(x):
    return [float(f"{v:.13g}") for v in np.asarray(x, dtype=float).ravel()]


def tbr(n0, n1, rho):
    n = n0 + n1
    x = np.round(5000 + 300 * rng.normal(size=n) + 40 * walk(n, 1), 2)
    e = np.zeros(n)
    for t in range(n):
        e[t] = (rho * e[t - 1] if t else 0) + rng.normal(0, 80)
    y = np.round(200 + 0.9 * x + e + np.where(np.arange(n) >= n0, 150, 0), 2)
    fit = sm.OLS(y[:n0], sm.add_constant(x[:n0])).fit()
    z = sm.add_constant(x[n0:], has_constant="add")
    effect = (y[n0:] - fit.predict(z)).sum()
    q = z.sum(axis=0)
    se = np.sqrt(q @ fit.cov_params() @ q + n1 * fit.scale)
    pred = fit.get_prediction(z).summary_frame(alpha=0.1)
    lags = max(1, min(10, n0 // 5))
    lb = acorr_ljungbox(fit.resid, lags=[lags])
    return {"pre": n0, "x": r(x), "y": r(y), "intercept": fit.params[0], "slope": fit.params[1], "sigma2": fit.scale,
            "incremental": effect, "se": se, "low": r(y[n0:] - pred.obs_ci_upper), "high": r(y[n0:] - pred.obs_ci_lower),
            "durbin_watson": durbin_watson(fit.resid), "ljung_box": float(lb.lb_stat.iloc[0]), "ljung_box_p": float(lb.lb_pvalue.iloc[0])}


def simplex(X, y):
    """argmin ||y - X w|| over the simplex, by SLSQP from several starts."""
    n = X.shape[1]
    scale = np.abs(X - y[:, None]).max()
    A = (X - y[:, None]) / scale
    best = None
    for k in range(4):
        w0 = np.full(n, 1 / n) if k == 0 else rng.dirichlet(np.ones(n))
        s = minimize(lambda w: w @ (A.T @ (A @ w)), w0, jac=lambda w: 2 * A.T @ (A @ w), bounds=[(0, 1)] * n,
                     constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n)},
                     method="SLSQP", options={"maxiter": 3000, "ftol": 1e-16})
        if best is None or s.fun < best.fun:
            best = s
    w = np.clip(best.x, 0, None)
    return w / w.sum()


def ridge_weights(Xc, resid, lam):
    return Xc @ np.linalg.solve(Xc.T @ Xc + lam * np.eye(Xc.shape[1]), resid)


def centre(X0):
    return X0 - X0.mean(axis=0)


def synthetic(n, t0, t1, fe):
    """Donors are rows; ridge and its cross-validation as augsynth has them, means of the unit effects without the left-out period."""
    T = t0 + t1
    common = walk(T, 3) + 50
    Y = np.round(np.array([common * rng.uniform(0.5, 1.5) + rng.uniform(-20, 20) + rng.normal(0, 2, T) for _ in range(n + 1)]), 3)
    Y[0, t0:] += 5
    Y = np.round(Y, 3)

    def fit(y, X, m, lams):
        if fe:
            y, X = y - y[:m].mean(), X - X[:, :m].mean(axis=1, keepdims=True)
        w = simplex(X[:, :m].T, y[:m])
        gap = y - w @ X
        Xc = centre(X[:, :m])
        return w, [w + ridge_weights(Xc, gap[:m], l) for l in lams], X, y

    y, X = Y[0], Y[1:]
    Xd = X[:, :t0] - (X[:, :t0].mean(axis=1, keepdims=True) if fe else 0)
    lmax = np.linalg.svd(centre(Xd), compute_uv=False)[0] ** 2
    lams = lmax * (1e-8 ** (1 / 20)) ** np.arange(21)
    err = np.zeros((t0 - 1, 21))
    for i in range(t0 - 1):
        order = [t for t in range(t0) if t != i] + [i]
        _, ws, Xf, yf = fit(y[order], X[:, order], t0 - 1, lams)
        err[i] = [(yf[-1] - w @ Xf[:, -1]) ** 2 for w in ws]
    m, se = err.mean(axis=0), err.std(axis=0, ddof=1) / np.sqrt(len(err))
    lam = lams[m <= m.min() + se[m.argmin()]].max()
    w, (wr,), Xf, yf = fit(y, X, t0, [lam])
    gap, gapr = yf - w @ Xf, yf - wr @ Xf
    return {"fixed_effects": fe, "pre": t0, "y": [r(row) for row in Y], "weights": r(w), "att": gap[t0:].mean(),
            "l2": np.linalg.norm(gap[:t0]), "lambda": lam, "ridge_weights": r(wr), "ridge_att": gapr[t0:].mean(), "ridge_l2": np.linalg.norm(gapr[:t0])}


def structural(n0, n1, k, sd_walk, sd_noise):
    n = n0 + n1
    x = np.round(np.array([100 + 10 * rng.normal(size=n) + walk(n, 1) for _ in range(k)]).reshape(k, n), 3)
    y = np.round(40 + walk(n, sd_walk) + rng.normal(0, sd_noise, n) + (0.4 * x.sum(axis=0) if k else 0), 3)
    exog, future = (x[:, :n0].T, x[:, n0:].T) if k else (None, None)
    mod = sm.tsa.UnobservedComponents(y[:n0], "llevel", exog=exog, mle_regression=False, use_exact_diffuse=True)
    best = None
    for start in ((1, 1), (1, .01), (.01, 1), (10, .1)):
        v = np.var(y[:n0])
        f = mod.fit(start_params=[s * v / 10 for s in start], disp=False, maxiter=2000, method="powell")
        f = mod.fit(start_params=f.params, disp=False, maxiter=2000, method="nm", xtol=1e-10, ftol=1e-12) if f.params.min() > 0 else f
        if best is None or f.llf > best.llf:
            best = f
    fc = best.get_forecast(n1, exog=future)
    level = best.smoothed_state[0]
    return {"pre": n0, "y": r(y), "x": [r(row) for row in x], "sigma2_noise": best.params[0], "sigma2_level": best.params[1], "llf": best.llf,
            "level": r(level), "level_se": r(np.sqrt(best.smoothed_state_cov[0, 0])), "beta": r(best.smoothed_state[1:, -1]),
            "beta_se": r([np.sqrt(best.smoothed_state_cov[1 + j, 1 + j, -1]) for j in range(k)]),
            "forecast": r(fc.predicted_mean), "forecast_se": r(fc.se_mean)}


print(json.dumps({
    "tbr": [tbr(42, 28, 0), tbr(60, 14, 0.6), tbr(8, 3, 0), tbr(120, 30, -0.4)],
    "synthetic": [synthetic(6, 20, 5, True), synthetic(6, 20, 5, False), synthetic(15, 30, 8, True), synthetic(15, 30, 8, False), synthetic(25, 12, 4, True)],
    "structural": [structural(60, 12, 0, 1, 2), structural(60, 12, 1, 0.5, 2), structural(90, 10, 3, 1, 1), structural(40, 8, 0, 2, 0.5), structural(50, 8, 2, 0.3, 3)],
}, indent=None, separators=(",", ":")))
