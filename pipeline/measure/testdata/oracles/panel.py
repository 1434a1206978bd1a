"""Oracle of pipeline/measure/panel on random inputs (fixed seed). Writes panel.json beside itself.

Libraries: statsmodels 0.15.0 (two-way effects, 2x2, campaign effects), scipy 1.17.1 (permutation, Welch), csdid 0.4.3 (staggered adoption),
wildboottest 0.3.2 (wild bootstrap), numpy 2.4.6 (CR2 and the enumerated wild bootstrap by brute force, dummies and matrix roots).
Run again: pip install csdid==0.4.3 wildboottest==0.3.2 statsmodels==0.15.0 scipy==1.17.1 && python panel.py
"""
import itertools, json, pathlib, warnings
import numpy as np, pandas as pd, statsmodels.api as sm
from scipy import linalg, stats

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20240817)
NEVER = None


def random_panel(n, T, starts, effect=0.4, scale=1.0):
    unit, time = rng.normal(0, 2, n), np.cumsum(rng.normal(0, 0.5, T))
    y = unit[:, None] + time[None, :] + rng.normal(0, scale, (n, T)) * (0.5 + rng.random((n, 1)))
    for i, s in enumerate(starts):
        if s is not NEVER:
            y[i, s:] += effect * (1 + 0.3 * np.arange(T - s))
    return np.round(y, 4)


def treatment(starts, T):
    d = np.zeros((len(starts), T))
    for i, s in enumerate(starts):
        if s is not NEVER:
            d[i, s:] = 1
    return d


def dummies(n, T):
    unit = np.kron(np.eye(n), np.ones((T, 1)))
    time = np.kron(np.ones((n, 1)), np.eye(T))[:, 1:]
    return np.hstack([unit, time])


def cr2(y, X, cluster):
    """Bell-McCaffrey for column 0 with its Satterthwaite degrees of freedom, from whole hat-matrix blocks."""
    bread = np.linalg.pinv(X.T @ X)
    b = bread @ X.T @ y
    e = y - X @ b
    M = np.eye(len(y)) - X @ bread @ X.T
    v, P = 0.0, []
    for g in np.unique(cluster):
        at = np.where(cluster == g)[0]
        w, Q = np.linalg.eigh(M[np.ix_(at, at)])
        root = (Q * np.where(w > 1e-10, 1 / np.sqrt(np.maximum(w, 1e-300)), 0)) @ Q.T
        a = (bread @ X[at].T)[0] @ root
        v += (a @ e[at]) ** 2
        P.append(M[:, at] @ a)
    G = np.array(P) @ np.array(P).T
    return np.sqrt(v), np.trace(G) ** 2 / (G**2).sum()


def cr1(y, X, cluster, params):
    bread = np.linalg.pinv(X.T @ X)
    b = bread @ X.T @ y
    e = y - X @ b
    groups = np.unique(cluster)
    meat = sum(np.outer(X[cluster == g].T @ e[cluster == g], X[cluster == g].T @ e[cluster == g]) for g in groups)
    n, g = len(y), len(groups)
    return b[0], np.sqrt((bread @ meat @ bread)[0, 0] * g / (g - 1) * (n - 1) / (n - params))


def two_way(name, n, T, starts, cluster):
    y = random_panel(n, T, starts)
    d = treatment(starts, T)
    c = np.repeat(cluster, T)
    # statsmodels on data less unit means: K = constant + effect + T - 1, unit effects not counted
    within = lambda m: m - m.mean(axis=1, keepdims=True)
    time = [within(np.tile(np.eye(T)[t], (n, 1))).ravel() for t in range(1, T)]
    X = np.column_stack([within(d).ravel(), np.ones(n * T)] + time)
    fit = sm.OLS(within(y).ravel(), X).fit(cov_type="cluster", cov_kwds={"groups": c, "use_correction": True}, use_t=True)
    full = np.hstack([d.reshape(-1, 1), dummies(n, T)])
    se2, df2 = cr2(y.ravel(), full, c)
    return dict(name=name, outcome=y.tolist(), start=starts, cluster=[int(x) for x in cluster], estimate=fit.params[0],
                se_cr1=fit.bse[0], p_cr1=fit.pvalues[0], low=fit.conf_int()[0][0], high=fit.conf_int()[0][1], se_cr2=se2, df_cr2=df2)


def wild(case):
    """All sign patterns of the restricted residuals, brute force; and the package's answer."""
    from wildboottest.wildboottest import wildboottest
    y = np.array(case["outcome"]); n, T = y.shape
    d = treatment(case["start"], T).ravel(); c = np.repeat(case["cluster"], T)
    F = dummies(n, T); X = np.column_stack([d, F]); groups = np.unique(c)
    b, se = cr1(y.ravel(), X, c, T + 1)
    r = y.ravel() - F @ np.linalg.lstsq(F, y.ravel(), rcond=None)[0]
    count, total = 0, 0
    for signs in itertools.product([-1, 1], repeat=len(groups)):
        v = np.array(signs)[np.searchsorted(groups, c)]
        bs, ss = cr1(v * r, X, c, T + 1)
        count += abs(bs / ss) >= abs(b / se) * (1 - 1e-9)
        total += 1
    frame = pd.DataFrame(np.column_stack([d, F]), columns=["treated"] + [f"f{i}" for i in range(F.shape[1])])
    got = wildboottest(sm.OLS(y.ravel(), frame), B=9999, cluster=pd.Series(c), param="treated", weights_type="rademacher", show=False, seed=7)
    webb = wildboottest(sm.OLS(y.ravel(), frame), B=9999, cluster=pd.Series(c), param="treated", weights_type="webb", show=False, seed=7)
    return dict(name=case["name"], t=b / se, p_enumerated=count / total, patterns=total,
                p_package=float(got["p-value"].iloc[0]), p_package_webb=float(webb["p-value"].iloc[0]))


def permutation(n, k, shift):
    x = np.round(rng.normal(0, 1, n) + shift * (np.arange(n) < k), 4)
    res = stats.permutation_test((x[:k], x[k:]), lambda a, b: abs(a.mean() - b.mean()), n_resamples=np.inf, alternative="greater")
    def p(s):
        z = x.copy(); z[:k] -= s
        return stats.permutation_test((z[:k], z[k:]), lambda a, b: abs(a.mean() - b.mean()), n_resamples=np.inf, alternative="greater").pvalue
    w = stats.ttest_ind(x[:k], x[k:], equal_var=False); q = stats.ttest_ind(x[:k], x[k:])
    shifts = np.round(np.linspace(-3, 4, 15) + 0.0137, 4)
    return dict(values=x.tolist(), treated=k, difference=x[:k].mean() - x[k:].mean(), p=float(res.pvalue),
                shifts=shifts.tolist(), p_shift=[float(p(s)) for s in shifts], welch_p=w.pvalue, welch_df=w.df, pooled_p=q.pvalue)


def staggered(name, frame, control, base):
    from csdid.att_gt import ATTgt
    m = ATTgt(yname="y", tname="t", idname="id", gname="g", data=frame, control_group=[control], xformla=None, cband=False)
    m = m.fit(est_method="reg", base_period=base, bstrap=False)
    r = m.results
    out = dict(name=name, control=control, base=base,
               cells=[[int(g), int(t), float(a), float(s)] for g, t, a, s in zip(r["group"], r["year"], r["att"], r["se"])])
    num = lambda x: float(np.squeeze(x))
    for kind in ("simple", "dynamic", "group", "calendar"):
        a = m.aggte(typec=kind, bstrap=False, cband=False).atte
        got = dict(overall=[num(a["overall_att"]), num(a["overall_se"])])
        if kind != "simple":
            got["cells"] = [[int(e), num(x), num(s)] for e, x, s in zip(a["egt"], a["att_egt"], np.ravel(a["se_egt"]))]
        out[kind] = got
    return out


def long(y, starts):
    n, T = y.shape
    return pd.DataFrame([dict(id=i + 1, t=t + 1, y=y[i, t], g=0 if starts[i] is NEVER else starts[i] + 1) for i in range(n) for t in range(T)])


def two_by_two(n):
    treated = np.arange(n) % 3 == 0
    before = np.round(rng.normal(20, 5, n), 3); after = np.round(0.6 * before + 8 + treated * 1.5 + rng.normal(0, 3, n), 3)
    before[rng.random(n) < 0.1] = np.nan; after[rng.random(n) < 0.1] = np.nan
    rows = [(i, treated[i], w, v) for i in range(n) for w, v in ((0, before[i]), (1, after[i])) if not np.isnan(v)]
    i, t, w, v = map(np.array, zip(*rows))
    X = np.column_stack([np.ones(len(v)), t, w, t * w])
    f = sm.OLS(v, X).fit(cov_type="cluster", cov_kwds={"groups": i}, use_t=True)
    d = after - before; ok = ~np.isnan(d)
    welch = stats.ttest_ind(d[ok & treated], d[ok & ~treated], equal_var=False); ci = welch.confidence_interval()
    clean = lambda a: [None if np.isnan(x) else x for x in a.tolist()]
    return dict(treated=treated.tolist(), before=clean(before), after=clean(after), all=[f.params[3], f.bse[3], f.pvalues[3]],
                balanced=[d[ok & treated].mean() - d[ok & ~treated].mean(), welch.pvalue, welch.df, ci.low, ci.high])


def campaigns(households, k):
    rows = [(h, c) for h in range(households) for c in range(k) if rng.random() < 0.9]
    taste = rng.lognormal(3, 0.5, households)
    out = []
    for h, c in rows:
        pre = round(float(taste[h] * rng.lognormal(0, 0.3)), 2)
        on = bool(rng.random() < 1 / (1 + np.exp(-(taste[h] - 25) / 15)))
        out.append((h, c, on, pre, round(float(taste[h] * rng.lognormal(0, 0.3) * (1 + 0.05 * c) + 2 * on), 2)))
    h, c, on, pre, post = [np.array(x, float) for x in zip(*out)]
    fe = np.column_stack([c == j for j in range(k)]).astype(float)
    def fit(y, *x):
        f = sm.OLS(y, np.column_stack(x)).fit(cov_type="cluster", cov_kwds={"groups": h.astype(int)}, use_t=True)
        return [f.params[0], f.bse[0], f.pvalues[0]]
    return dict(rows=[[int(a), int(b), int(o), p, q] for a, b, o, p, q in out], naive_campaign_fe=fit(post, on, fe), did_pooled=fit(post - pre, on, np.ones(len(on))),
                did_campaign_fe=fit(post - pre, on, fe), ancova_campaign_fe=fit(post, on, pre, fe))


N = NEVER
two = [
    two_way("one_start", 10, 6, [3] * 4 + [N] * 6, np.arange(10)),
    two_way("staggered_with_always", 12, 8, [0, 2, 2, 3, 5, 5, 7, N, N, N, N, 3], np.arange(12)),
    two_way("clusters_of_units", 18, 5, [2, 2, N, 2, N, N, 3, N, 3, N, N, N, 2, 3, N, N, N, N], np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7])),
    two_way("whole_clusters", 12, 6, [3, 3, 3, 3, 3, 3, N, N, N, N, N, N], np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6])),
]
starts = [2] * 8 + [3] * 9 + [5] * 7 + [N] * 11
ys = random_panel(35, 6, starts)
frame = long(ys, starts)
result = dict(
    two_way=two,
    wild=[wild(two[0]), wild(two[2]), wild(two[3])],
    permutation=[permutation(12, 5, 0.9), permutation(10, 5, 0.0), permutation(14, 2, 2.0)],
    staggered=dict(outcome=ys.tolist(), start=starts,
                   cases=[staggered("never", frame, "nevertreated", "varying"), staggered("notyet", frame, "notyettreated", "varying"),
                          staggered("universal", frame, "nevertreated", "universal")]),
    two_by_two=two_by_two(45),
    campaigns=campaigns(40, 6),
)
fix = lambda x: None if isinstance(x, float) and np.isnan(x) else x
def clean(x):
    if isinstance(x, dict): return {k: clean(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)): return [clean(v) for v in x]
    if isinstance(x, np.generic): x = x.item()
    return fix(x)
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(clean(result), separators=(",", ":")) + "\n")
