-- +goose NO TRANSACTION
-- What the statistics read. A void and the receipt that it names are both left out, whether or not the void carries amounts.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte_raw.receipt_facts
(
    receipt_id    String COMMENT 'Receipt',
    type          LowCardinality(String) COMMENT 'SALE, RETURN, EXCHANGE, or VOID when the receipt it is about is not named',
    store_id      LowCardinality(String) COMMENT 'Shop',
    business_date Date COMMENT 'Trading day of the shop',
    ended_at      DateTime64(3, 'UTC') COMMENT 'Closed, UTC',
    account_id    String COMMENT 'Token of the loyalty account, empty when anonymous',
    total_minor   Int64 COMMENT 'Total with VAT after discounts, minor units; negative on a return',
    _loaded_at    DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC'
)
AS SELECT
    receipt_id, type, store_id, business_date, ended_at, account_id, total_minor, _loaded_at
FROM cagnotte_raw.receipts FINAL
WHERE training = 0
    AND NOT (type = 'VOID' AND original_receipt_id != '')
    AND receipt_id NOT IN (SELECT original_receipt_id FROM cagnotte_raw.receipts WHERE type = 'VOID' AND original_receipt_id != '' AND training = 0)
COMMENT 'Receipts that count in KPIs, one row each: no training receipts, no voids, no voided receipts';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.store_days
(
    store_id        String COMMENT 'Shop',
    business_date   Date COMMENT 'Trading day of the shop',
    receipts        UInt64 COMMENT 'Receipts, voids removed; returns count, for they are visits too',
    member_receipts UInt64 COMMENT 'Of these, receipts that name an account',
    members         UInt64 COMMENT 'Distinct accounts',
    returns         UInt64 COMMENT 'Of these, receipts of type RETURN',
    net_minor       Int64 COMMENT 'Totals, returns subtracted, minor units',
    net             Decimal(18, 2) COMMENT 'Totals, returns subtracted, currency units',
    member_net_minor Int64 COMMENT 'Totals of receipts that name an account, minor units',
    member_net      Decimal(18, 2) COMMENT 'Totals of receipts that name an account, currency units',
    _loaded_at      DateTime64(3, 'UTC') COMMENT 'Last insert into ClickHouse that counts here, UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toString(f.store_id) AS store_id,
    f.business_date AS business_date,
    count() AS receipts,
    countIf(f.account_id != '') AS member_receipts,
    uniqExactIf(f.account_id, f.account_id != '') AS members,
    countIf(f.type = 'RETURN') AS returns,
    sum(f.total_minor) AS net_minor,
    toDecimal64(net_minor, 0) * toDecimal64('0.01', 2) AS net,
    sumIf(f.total_minor, f.account_id != '') AS member_net_minor,
    toDecimal64(member_net_minor, 0) * toDecimal64('0.01', 2) AS member_net,
    max(f._loaded_at) AS _loaded_at
FROM cagnotte_raw.receipt_facts AS f
GROUP BY f.store_id, f.business_date
COMMENT 'Traffic and sales of each shop and trading day';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte_raw.campaign_windows
(
    campaign   String COMMENT 'Campaign id; also the salt of its experiment',
    version    Int32 COMMENT 'Highest version',
    t0         DateTime64(3, 'UTC') COMMENT 'Start of the campaign, UTC',
    t1         DateTime64(3, 'UTC') COMMENT 'End of the campaign, or now when it has none, exclusive, UTC',
    pre0       DateTime64(3, 'UTC') COMMENT 'Start of the window before: as long as the campaign, 56 days when it has no end, UTC',
    base0      DateTime64(3, 'UTC') COMMENT 'Who had a receipt from here on belongs to the base: 56 days before the start, UTC',
    holdout_bp Int32 COMMENT 'Share of the accounts in the holdout, hundredths of a percent'
)
AS SELECT
    campaign, version, window_from AS t0,
    if(window_to = toDateTime64(0, 3, 'UTC'), now64(3), window_to) AS t1,
    if(window_to = toDateTime64(0, 3, 'UTC'), window_from - INTERVAL 56 DAY,
        addMilliseconds(window_from, toUnixTimestamp64Milli(window_from) - toUnixTimestamp64Milli(window_to))) AS pre0,
    window_from - INTERVAL 56 DAY AS base0,
    holdout_bp
FROM cagnotte_raw.campaigns FINAL
WHERE valid = 1
ORDER BY version DESC
LIMIT 1 BY campaign
COMMENT 'Latest version of each campaign with the instants that measurement needs';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.campaign_members
(
    campaign         String COMMENT 'Campaign',
    campaign_version Int32 COMMENT 'Highest version, whose window and holdout are used',
    account_id       String COMMENT 'Token of the loyalty account',
    arm              String COMMENT 'As assigned, by hash: TREATMENT or HOLDOUT',
    design           String COMMENT 'randomised: a holdout was drawn; observational: there is none, differences are not causal',
    visits           UInt64 COMMENT 'Receipts in the window in any shop, sales and exchanges; 0 for members who did not come',
    spend_minor      Int64 COMMENT 'Totals in the window, returns subtracted, minor units',
    spend            Decimal(18, 2) COMMENT 'Totals in the window, returns subtracted, currency units',
    pre_visits       UInt64 COMMENT 'Receipts in the window before, of the same length',
    pre_spend_minor  Int64 COMMENT 'Totals in the window before, minor units: the covariate of CUPED, known before the start',
    pre_spend        Decimal(18, 2) COMMENT 'Totals in the window before, currency units',
    considered       UInt64 COMMENT 'Receipts that the campaign looked at',
    qualified        UInt64 COMMENT 'Receipts that earned, or would have earned in the holdout',
    rewarded         UInt64 COMMENT 'Receipts with a reward granted',
    granted_minor    Int64 COMMENT 'Rewards granted less taken back, minor units',
    granted          Decimal(18, 2) COMMENT 'Rewards granted less taken back, currency units',
    ghost_minor      Int64 COMMENT 'Rewards that a held-out member would have had, minor units',
    ghost            Decimal(18, 2) COMMENT 'Rewards that a held-out member would have had, currency units',
    last_visit_at    DateTime64(3, 'UTC') COMMENT 'Close of the last receipt before the end of the window, UTC',
    _loaded_at       DateTime64(3, 'UTC') COMMENT 'Last insert into ClickHouse of a receipt that counts here, UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    m.campaign AS campaign,
    m.version AS campaign_version,
    m.account_id AS account_id,
    if(xxHash64(concat(m.campaign, '|', m.account_id)) % 10000 < m.holdout_bp, 'HOLDOUT', 'TREATMENT') AS arm,
    if(m.holdout_bp > 0, 'randomised', 'observational') AS design,
    m.visits AS visits,
    m.spend_minor AS spend_minor,
    toDecimal64(m.spend_minor, 0) * toDecimal64('0.01', 2) AS spend,
    m.pre_visits AS pre_visits,
    m.pre_spend_minor AS pre_spend_minor,
    toDecimal64(m.pre_spend_minor, 0) * toDecimal64('0.01', 2) AS pre_spend,
    m.considered AS considered,
    m.qualified AS qualified,
    m.rewarded AS rewarded,
    m.granted_minor AS granted_minor,
    toDecimal64(m.granted_minor, 0) * toDecimal64('0.01', 2) AS granted,
    m.ghost_minor AS ghost_minor,
    toDecimal64(m.ghost_minor, 0) * toDecimal64('0.01', 2) AS ghost,
    m.last_visit_at AS last_visit_at,
    m.loaded_at AS _loaded_at
FROM
(
    -- A union, not a join: a condition on the campaign then reaches both parts.
    SELECT
        campaign,
        account_id,
        max(u.version) AS version,
        max(u.holdout_bp) AS holdout_bp,
        countIf(u.in_window AND u.is_visit) AS visits,
        sumIf(u.amount, u.in_window) AS spend_minor,
        countIf(u.in_pre AND u.is_visit) AS pre_visits,
        sumIf(u.amount, u.in_pre) AS pre_spend_minor,
        countIf(u.is_decision) AS considered,
        countIf(u.is_decision AND u.desired > 0) AS qualified,
        countIf(u.is_decision AND u.granted > 0) AS rewarded,
        sum(u.granted) AS granted_minor,
        sum(u.ghost) AS ghost_minor,
        max(u.seen_at) AS last_visit_at,
        max(u.loaded_at) AS loaded_at,
        max(u.in_base) AS is_base
    FROM
    (
        SELECT
            c.campaign AS campaign,
            r.account_id AS account_id,
            c.version AS version,
            c.holdout_bp AS holdout_bp,
            r.ended_at >= c.t0 AS in_window,
            r.ended_at >= c.pre0 AND r.ended_at < c.t0 AS in_pre,
            r.ended_at >= c.base0 AS in_base,
            r.type IN ('SALE', 'EXCHANGE') AS is_visit,
            r.total_minor AS amount,
            toUInt8(0) AS is_decision,
            toInt64(0) AS desired,
            toInt64(0) AS granted,
            toInt64(0) AS ghost,
            r.ended_at AS seen_at,
            r._loaded_at AS loaded_at
        FROM cagnotte_raw.receipt_facts AS r
        CROSS JOIN cagnotte_raw.campaign_windows AS c
        WHERE r.account_id != '' AND r.ended_at >= least(c.base0, c.pre0) AND r.ended_at < c.t1
        UNION ALL
        SELECT
            toString(r_campaign), account_id, 0, 0, 0, 0, 0, 0, 0, 1,
            r_desired_minor, r_granted_minor, if(r_outcome = 'HELD_OUT', r_desired_minor, 0),
            toDateTime64(0, 3, 'UTC'), toDateTime64(0, 3, 'UTC')
        FROM cagnotte_raw.decisions FINAL
        ARRAY JOIN
            `results.campaign` AS r_campaign,
            `results.outcome` AS r_outcome,
            `results.desired_minor` AS r_desired_minor,
            `results.granted_minor` AS r_granted_minor
        WHERE account_id != ''
    ) AS u
    GROUP BY campaign, account_id
    HAVING is_base = 1
) AS m
COMMENT 'One row per campaign and member of its base, whether or not the member came: what intention-to-treat statistics read';
-- +goose StatementEnd
