// What the server sends (dashboards/model.go). Money is in minor units, instants in milliseconds of UTC, shares are fractions.

export type Lang = "fr" | "en";
export type Text = { fr: string; en: string };

export type Figure = { estimate: number; low: number; high: number; std_err: number; p: number; df?: number; min_detectable?: number };
export type Result = {
  method: string; design: string; level: number; n_treatment: number; n_control: number;
  figure?: Figure; reason?: string; warnings?: string[];
};

export type Totals = {
  since_ms: number; complete: boolean; receipts: number; members: number; duplicates: number; rejected: number; forwarded: number;
  net_minor: number; granted_minor: number; reversed_minor: number;
};
export type Minute = { receipts: number; members: number; rejected: number; granted_minor: number; shops: number };
export type Lag = { records: number; seconds: number; partitions: number; as_of_ms: number };
export type Budget = { total_minor: number; spent_minor: number; campaigns: number };
export type Series = {
  step_ms: number; from_ms: number; receipts: number[]; members: number[]; rejected: number[]; granted_minor: number[]; lag_ms: number[];
};
export type CampaignRow = {
  id: string; version: number; name: Text; status: "scheduled" | "running" | "ended"; from_ms: number; to_ms: number; tz: string; holdout_bp: number;
  budget_minor: number; wallet?: string; considered: number; rewarded: number; granted_minor: number; reversed_minor: number;
  participation?: { participants: number; eligible: number; rate: Result; as_of_ms: number };
};
export type DeadLetters = {
  as_of_ms: number; window_hours: number; total: number;
  rows: { code: string; count: number; last_ms: number; stage: string; path: string; detail: string; shop: string }[] | null;
};
export type Snapshot = {
  epoch: string; seq: number; now_ms: number; as_of_ms: number; behind_ms: number; starting: boolean; zone: string; currency: string;
  today: Totals; minute: Minute; lag: Lag; budget: Budget; series: Series; campaigns: CampaignRow[] | null; dead_letters: DeadLetters;
};
export type Delta = Partial<Omit<Snapshot, "epoch" | "zone" | "currency">> & { order?: string[] };

export type Effect = { relative: Result; absolute: Result; fixed_horizon: Result; treatment_mean: number; control_mean: number };
export type Split = { state: string; planned: number; observed: number; chi_square: number; p: number; n_treatment: number; n_control: number };
export type Rule = {
  tz: string; from_ms: number; to_ms: number; hours?: string; weekdays?: number[]; stores?: string[]; banners?: string[]; countries?: string[];
  channels?: string[]; category?: string[]; brand?: string[]; products?: number; departments?: string[]; excluded?: string[];
  min_spend_minor?: number; min_quantity?: number; min_basket_minor?: number; percent_ppm?: number; fixed_minor?: number; per_unit_minor?: number;
  ladder?: { spend_minor: number; get_minor: number }[]; max_per_receipt_minor?: number; max_per_member_minor?: number; max_per?: string;
  pending_ms?: number; words?: { fr: string; en: string }; funders: { party: string; share_ppm: number }[] | null;
};
export type Cost = {
  as_of_ms: number; granted_minor: number; reversed_minor: number; receipts: number;
  funders: { party: string; net_minor: number }[] | null; burn: { at_ms: number[] | null; net_minor: number[] | null };
};
export type Detail = {
  id: string; unknown?: boolean; now_ms: number; as_of_ms: number; took_ms: number; zone: string; currency: string; row: CampaignRow; rule: Rule;
  rates: { participants: number; eligible: Result; active: Result; all: Result; ghost: Result; incremental: Result };
  split: Split; spend: Effect; visits: Effect;
  traffic: { uplift: Result; before_days: number; during_days: number; as_of_ms: number };
  cost: Cost; outcomes: { outcome: string; receipts: number }[] | null; unavailable?: { block: string; cause: string }[];
};
