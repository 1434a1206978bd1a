-- +goose NO TRANSACTION
-- Version 3 of the decision: outcomes about members and goals, and what a reward is besides an amount of the currency. Rows from before have none.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE cagnotte_raw.decisions
    ADD COLUMN IF NOT EXISTS `results.wallet` Array(LowCardinality(String)) COMMENT 'Wallet that the amounts of the result are in; empty: the currency' AFTER `results.expires_at`,
    ADD COLUMN IF NOT EXISTS `results.badge` Array(LowCardinality(String)) COMMENT 'Badge that goes with the campaign, empty when it has none' AFTER `results.wallet`,
    ADD COLUMN IF NOT EXISTS `results.held` Array(Int32) COMMENT 'Of a campaign with a badge or an event for another account: 1 when it comes to stand, -1 when it ceases to' AFTER `results.badge`,
    COMMENT COLUMN IF EXISTS type 'SALE, RETURN, EXCHANGE, VOID or EVENT',
    COMMENT COLUMN IF EXISTS `results.outcome` 'AWARDED, CAPPED, CAP_REACHED, OUTRANKED, HELD_OUT, NOTHING_ELIGIBLE, BELOW_THRESHOLD, NOT_TARGETED, SHOP_EXCLUDED, OUT_OF_WINDOW, NO_ACCOUNT, REVERSED, NO_ORIGINAL, IN_PROGRESS'
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.decisions
(
    receipt_id           String COMMENT 'Receipt that was decided',
    campaign             String COMMENT 'Campaign considered',
    campaign_version     Int32 COMMENT 'Version of the campaign, by event time',
    arm                  String COMMENT 'Side of the experiment: TREATMENT, HOLDOUT, NONE without an account',
    outcome              String COMMENT 'AWARDED, CAPPED, CAP_REACHED, OUTRANKED, HELD_OUT, NOTHING_ELIGIBLE, BELOW_THRESHOLD, NOT_TARGETED, SHOP_EXCLUDED, OUT_OF_WINDOW, NO_ACCOUNT, REVERSED, NO_ORIGINAL, IN_PROGRESS',
    basis_minor          Int64 COMMENT 'Net of the matching, eligible lines, minor units',
    basis                Decimal(18, 2) COMMENT 'Net of the matching, eligible lines, currency units',
    desired_minor        Int64 COMMENT 'Reward before member caps; the ghost reward in the holdout, minor units',
    desired              Decimal(18, 2) COMMENT 'Reward before member caps; the ghost reward in the holdout, currency units',
    granted_minor        Int64 COMMENT 'Posted; negative when a return takes back, minor units',
    granted              Decimal(18, 2) COMMENT 'Posted; negative when a return takes back, currency units; of a wallet, its units',
    wallet               String COMMENT 'Wallet that the amounts are in; empty: the currency',
    badge                String COMMENT 'Badge that goes with the campaign, empty when it has none',
    held                 Int32 COMMENT 'Of a campaign with a badge or an event for another account: 1 when it comes to stand, -1 when it ceases to',
    capped_by            String COMMENT 'receipt, member, or empty',
    active_from          DateTime64(3, 'UTC') COMMENT 'When the reward becomes spendable, UTC; 1970-01-01: at once, or no reward',
    expires_at           DateTime64(3, 'UTC') COMMENT 'When the reward lapses, UTC; 1970-01-01: never, or no reward',
    funding              Array(Tuple(party String, rate_ppm Int64)) COMMENT 'Funders of the campaign and their shares in parts per million',
    steps                Array(Tuple(node String, code String, passed UInt8, unit String, observed Int64, expected Int64, observed_text String, expected_text String)) COMMENT 'Why: each test with its place in the document, and what was observed against what was expected; numbers in the unit MINOR, MILLI, COUNT or TIME, texts in TEXT',
    account_id           String COMMENT 'Token of the loyalty account, empty when anonymous',
    store_id             String COMMENT 'Shop of the receipt',
    channel              String COMMENT 'Where the basket was made',
    receipt_type         String COMMENT 'SALE, RETURN, EXCHANGE, VOID or EVENT',
    ended_at             DateTime64(3, 'UTC') COMMENT 'Close of the receipt, UTC',
    receipt_amount_minor Int64 COMMENT 'Total of the receipt, minor units',
    receipt_amount       Decimal(18, 2) COMMENT 'Total of the receipt, currency units',
    currency             String COMMENT 'ISO 4217 currency of the amounts',
    ruleset_version      Int64 COMMENT 'Offset of the campaigns topic up to which rules were known',
    input_partition      Int32 COMMENT 'Partition of the receipt in Kafka',
    input_offset         Int64 COMMENT 'Offset of the receipt in Kafka',
    processed_at         DateTime64(3, 'UTC') COMMENT 'Append time of the receipt, UTC',
    _loaded_at           DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition           Int32 COMMENT 'Partition of the record in Kafka',
    _offset              Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    receipt_id,
    toString(r_campaign) AS campaign,
    r_campaign_version AS campaign_version,
    toString(r_arm) AS arm,
    toString(r_outcome) AS outcome,
    `results.basis_minor`[i] AS basis_minor,
    toDecimal64(`results.basis_minor`[i], 0) * toDecimal64('0.01', 2) AS basis,
    r_desired_minor AS desired_minor,
    toDecimal64(r_desired_minor, 0) * toDecimal64('0.01', 2) AS desired,
    r_granted_minor AS granted_minor,
    toDecimal64(r_granted_minor, 0) * toDecimal64('0.01', 2) AS granted,
    if(empty(`results.wallet`), '', toString(`results.wallet`[i])) AS wallet,
    if(empty(`results.badge`), '', toString(`results.badge`[i])) AS badge,
    if(empty(`results.held`), 0, `results.held`[i]) AS held,
    toString(`results.capped_by`[i]) AS capped_by,
    `results.active_from`[i] AS active_from,
    `results.expires_at`[i] AS expires_at,
    arrayMap((p, r) -> (toString(p), r), `results.funding_party`[i], `results.funding_rate_ppm`[i]) AS funding,
    arrayMap((n, c, p, u, o, e, ot, et) -> (toString(n), toString(c), p, toString(u), o, e, ot, et),
        `results.step_node`[i], `results.step_code`[i], `results.step_passed`[i], `results.step_unit`[i], `results.step_observed`[i], `results.step_expected`[i], `results.step_observed_text`[i], `results.step_expected_text`[i]) AS steps,
    account_id,
    toString(store_id) AS store_id,
    toString(channel) AS channel,
    toString(type) AS receipt_type,
    ended_at,
    total_minor AS receipt_amount_minor,
    toDecimal64(total_minor, 0) * toDecimal64('0.01', 2) AS receipt_amount,
    toString(currency) AS currency,
    ruleset_version,
    input_partition,
    input_offset,
    processed_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.decisions FINAL
ARRAY JOIN
    arrayEnumerate(`results.campaign`) AS i,
    `results.campaign` AS r_campaign,
    `results.campaign_version` AS r_campaign_version,
    `results.arm` AS r_arm,
    `results.outcome` AS r_outcome,
    `results.desired_minor` AS r_desired_minor,
    `results.granted_minor` AS r_granted_minor
COMMENT 'What each campaign made of each receipt, one row per receipt and campaign considered';
-- +goose StatementEnd
