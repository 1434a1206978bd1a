-- +goose NO TRANSACTION
-- Campaigns by minute, from the counters of the commits.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.campaign_minutes
(
    campaign         String COMMENT 'Campaign',
    campaign_version Int32 COMMENT 'Version of the campaign',
    arm              String COMMENT 'TREATMENT, HOLDOUT, or NONE for anonymous receipts',
    minute           DateTime64(3, 'UTC') COMMENT 'Start of the event minute, UTC',
    considered       Int64 COMMENT 'Receipts that the campaign looked at',
    qualified        Int64 COMMENT 'Receipts that earned, or would have earned in the holdout',
    rewarded         Int64 COMMENT 'Receipts with a reward granted',
    basket_sum_minor Int64 COMMENT 'Totals of considered receipts, minor units',
    basket_sum       Decimal(18, 2) COMMENT 'Totals of considered receipts, currency units',
    basket_sum_sq    Float64 COMMENT 'Squares of those totals, minor units squared; display only',
    granted_minor    Int64 COMMENT 'Rewards granted, minor units',
    granted          Decimal(18, 2) COMMENT 'Rewards granted, currency units',
    reversed_minor   Int64 COMMENT 'Rewards taken back, positive, minor units',
    reversed         Decimal(18, 2) COMMENT 'Rewards taken back, positive, currency units',
    ghost_minor      Int64 COMMENT 'Rewards that the holdout would have had, minor units',
    ghost            Decimal(18, 2) COMMENT 'Rewards that the holdout would have had, currency units',
    _loaded_at       DateTime64(3, 'UTC') COMMENT 'Last insert into ClickHouse that counts here, UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toString(c_campaign) AS campaign,
    c_campaign_version AS campaign_version,
    toString(c_arm) AS arm,
    c_minute AS minute,
    sum(c_considered) AS considered,
    sum(c_qualified) AS qualified,
    sum(c_rewarded) AS rewarded,
    sum(c_basket_sum_minor) AS basket_sum_minor,
    toDecimal64(basket_sum_minor, 0) * toDecimal64('0.01', 2) AS basket_sum,
    sum(c_basket_sum_sq) AS basket_sum_sq,
    sum(c_granted_minor) AS granted_minor,
    toDecimal64(granted_minor, 0) * toDecimal64('0.01', 2) AS granted,
    sum(c_reversed_minor) AS reversed_minor,
    toDecimal64(reversed_minor, 0) * toDecimal64('0.01', 2) AS reversed,
    sum(c_ghost_minor) AS ghost_minor,
    toDecimal64(ghost_minor, 0) * toDecimal64('0.01', 2) AS ghost,
    max(loaded_at) AS _loaded_at
FROM
(
    SELECT _loaded_at AS loaded_at,
        c_campaign,
        c_campaign_version,
        c_arm,
        c_minute,
        c_considered,
        c_qualified,
        c_rewarded,
        c_basket_sum_minor,
        c_basket_sum_sq,
        c_granted_minor,
        c_reversed_minor,
        c_ghost_minor
    FROM cagnotte_raw.metric_batches FINAL
    ARRAY JOIN
        `cells.campaign` AS c_campaign,
        `cells.campaign_version` AS c_campaign_version,
        `cells.arm` AS c_arm,
        `cells.minute` AS c_minute,
        `cells.considered` AS c_considered,
        `cells.qualified` AS c_qualified,
        `cells.rewarded` AS c_rewarded,
        `cells.basket_sum_minor` AS c_basket_sum_minor,
        `cells.basket_sum_sq` AS c_basket_sum_sq,
        `cells.granted_minor` AS c_granted_minor,
        `cells.reversed_minor` AS c_reversed_minor,
        `cells.ghost_minor` AS c_ghost_minor
)
GROUP BY c_campaign, c_campaign_version, c_arm, c_minute
COMMENT 'Receipt counts and money by campaign, arm and event minute; a provisional view of the stream, exact once the minute''s receipts are in. Its squares are of receipts: member-level lift is in campaign_members';
-- +goose StatementEnd
