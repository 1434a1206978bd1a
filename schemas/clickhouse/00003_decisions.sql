-- +goose NO TRANSACTION
-- What the campaigns made of each receipt, and why: one row per receipt, the campaigns considered as arrays of that row, so that a repeat
-- replaces all of them together. The first input offset wins, as for the receipt itself.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.decisions
(
    receipt_id      String COMMENT 'Receipt that was decided',
    account_id      String COMMENT 'Token of the loyalty account, empty on an anonymous receipt',
    store_id        LowCardinality(String) COMMENT 'Shop of the receipt',
    channel         LowCardinality(String) COMMENT 'Where the basket was made',
    type            LowCardinality(String) COMMENT 'SALE, RETURN, EXCHANGE or VOID',
    ended_at        DateTime64(3, 'UTC') COMMENT 'Close of the receipt, UTC',
    total_minor     Int64 COMMENT 'Total of the receipt, minor units',
    currency        LowCardinality(String) COMMENT 'ISO 4217 currency of every amount of the row',
    input_partition Int32 COMMENT 'Partition of the receipt in Kafka',
    input_offset    Int64 COMMENT 'Offset of the receipt in Kafka',
    processed_at    DateTime64(3, 'UTC') COMMENT 'Append time of the receipt, UTC',
    ruleset_version Int64 COMMENT 'Offset of the campaigns topic up to which rules were known',
    `results.campaign`         Array(LowCardinality(String)) COMMENT 'Campaign considered',
    `results.campaign_version` Array(Int32) COMMENT 'Version of the campaign, by event time',
    `results.arm`              Array(LowCardinality(String)) COMMENT 'Side of the campaign''s experiment: TREATMENT, HOLDOUT, NONE without an account',
    `results.outcome`          Array(LowCardinality(String)) COMMENT 'AWARDED, CAPPED, CAP_REACHED, OUTRANKED, HELD_OUT, NOTHING_ELIGIBLE, BELOW_THRESHOLD, SHOP_EXCLUDED, OUT_OF_WINDOW, NO_ACCOUNT, REVERSED, NO_ORIGINAL',
    `results.basis_minor`      Array(Int64) COMMENT 'Net of the matching, eligible lines, minor units',
    `results.desired_minor`    Array(Int64) COMMENT 'Reward before member caps, minor units; the ghost reward in the holdout',
    `results.granted_minor`    Array(Int64) COMMENT 'Posted, minor units; negative when a return takes back',
    `results.capped_by`        Array(LowCardinality(String)) COMMENT 'receipt, member, or empty',
    `results.period`           Array(Int32) COMMENT 'Calendar period of the member cap, 0 when it is for the whole campaign',
    `results.active_from`      Array(DateTime64(3, 'UTC')) COMMENT 'When the reward becomes spendable, UTC; 1970-01-01: at once, or no reward',
    `results.expires_at`       Array(DateTime64(3, 'UTC')) COMMENT 'When the reward lapses, UTC; 1970-01-01: never, or no reward',
    `results.funding_party`    Array(Array(LowCardinality(String))) COMMENT 'Funders of the campaign',
    `results.funding_rate_ppm` Array(Array(Int64)) COMMENT 'Their shares, parts per million',
    `results.step_node`        Array(Array(LowCardinality(String))) COMMENT 'Steps of the evaluation: place in the campaign document',
    `results.step_code`        Array(Array(LowCardinality(String))) COMMENT 'Steps: message key',
    `results.step_passed`      Array(Array(UInt8)) COMMENT 'Steps: 1 when the test held',
    `results.step_unit`        Array(Array(LowCardinality(String))) COMMENT 'Steps: unit of observed and expected: MINOR, MILLI, COUNT, TIME, TEXT, NONE',
    `results.step_observed`    Array(Array(Int64)) COMMENT 'Steps: what was observed, in the unit',
    `results.step_expected`    Array(Array(Int64)) COMMENT 'Steps: what was expected, in the unit',
    `results.step_observed_text` Array(Array(String)) COMMENT 'Steps: what was observed, for unit TEXT',
    `results.step_expected_text` Array(Array(String)) COMMENT 'Steps: what was expected, for unit TEXT',
    _partition      Int32 COMMENT 'Partition of the record in Kafka',
    _offset         Int64 COMMENT 'Offset of the record in Kafka',
    _loaded_at      DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC',
    _version        UInt64 MATERIALIZED toUInt64(9223372036854775807 - input_offset) COMMENT 'The highest of one receipt_id is kept: its first input offset',
    INDEX by_account account_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(ended_at)
ORDER BY receipt_id
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Decisions with their reasons. Read through cagnotte.decisions';
-- +goose StatementEnd
