import { CostCard } from "../components/cost";
import { EffectCard } from "../components/effect";
import { Outcomes } from "../components/outcomes";
import { ParticipationCard } from "../components/participation";
import { period, Status } from "../components/rows";
import { and, asOf, compactAmount, percent } from "../format";
import { has, pick, t } from "../i18n";
import { campaignID, toNow } from "../route";
import { sentence } from "../rule";
import { detail, now } from "../store";
import type { Detail } from "../types";

/** One campaign: what it promises, who takes part, what it changes, what it costs. */
export function CampaignPage() {
  const d = detail.value;
  if (!d || d.id !== campaignID.value) return <p class="waiting" role="status">{t("waiting")}</p>;
  if (d.unknown) {
    return (
      <div class="page-head">
        <h1>{t("campaign.unknown")}</h1>
        <p>{t("campaign.unknown.hint", { id: d.id })} <a href={toNow}>{t("campaign.back")}</a></p>
      </div>
    );
  }
  return (
    <>
      <Head d={d} />
      <Banner d={d} />
      <div class="grid" data-testid="campaign-page" data-campaign={d.id}>
        <div class="column">
          <ParticipationCard d={d} />
          <Outcomes d={d} />
        </div>
        <div class="column">
          <EffectCard d={d} />
          <CostCard d={d} live={now.value?.campaigns?.find((r) => r.id === d.id)} />
        </div>
      </div>
      <footer class="foot">{t("campaign.foot", { as_of: asOf(d.as_of_ms), took: d.took_ms })}</footer>
    </>
  );
}

function Head({ d }: { d: Detail }) {
  const funders = d.rule.funders ?? [];
  const facts: [string, string][] = [
    [t("fact.dates"), period(d.row)],
    [t("fact.zone"), d.rule.tz],
    [t("fact.version"), String(d.row.version)],
    [t("fact.holdout"), d.row.holdout_bp ? t("fact.holdout.share", { share: percent(d.row.holdout_bp / 10_000, d.row.holdout_bp % 100 ? 2 : 0) }) : t("fact.holdout.none")],
    [t("fact.budget"), d.row.budget_minor ? compactAmount(d.row.budget_minor, d.row.wallet) : t("row.no_budget")],
    [t("fact.funders"), funders.map((f) => `${funderName(f.party)} ${percent(f.share_ppm / 1e6, 0)}`).join(", ")],
  ];
  return (
    <header class="page-head campaign-head">
      <p class="crumb"><a href={toNow}>← {t("campaign.back")}</a></p>
      <h1 data-testid="campaign-name">{pick(d.row.name)} <Status status={d.row.status} /></h1>
      <p class="sentence" data-testid="campaign-rule">{sentence(d.rule)}</p>
      <dl class="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </header>
  );
}

/** The retailer is a word of the product; suppliers are names of the network. */
export const funderName = (party: string) => (has(`funder.${party}`) ? t(`funder.${party}`) : party);

/** What the reader must know before any figure. */
function Banner({ d }: { d: Detail }) {
  const notes: string[] = [];
  if (d.split.state === "failed") notes.push(t("banner.srm", { planned: percent(d.split.planned, 1), observed: percent(d.split.observed, 1) }));
  if (d.split.state === "none" && d.row.status !== "scheduled") notes.push(t("banner.no_holdout"));
  for (const cause of new Set((d.unavailable ?? []).map((u) => u.cause))) {
    const blocks = d.unavailable!.filter((u) => u.cause === cause).map((u) => t(`block.${u.block}`));
    notes.push(t("banner.unavailable", { blocks: and(blocks), cause: t(`cause.${cause}`) }));
  }
  if (notes.length === 0) return null;
  return <div class="banner" role="status">{notes.map((n) => <p key={n}>{n}</p>)}</div>;
}
