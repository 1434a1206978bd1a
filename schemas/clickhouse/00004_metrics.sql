-- +goose NO TRANSACTION
-- What each commit of each task added, one row per (task partition, commit counter). A batch that is produced again replaces the earlier one
-- as a whole: its cells are arrays of the row, so no cell of a replaced batch can stay.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.metric_batches
(
    task_partition Int32 COMMENT 'Input partition of the task',
    counter        Int64 COMMENT 'Number of the task''s commit',
    as_of          DateTime64(3, 'UTC') COMMENT 'Task clock: append time of the last receipt, UTC',
    committed_at   DateTime64(3, 'UTC') COMMENT 'Wall clock of the committer, UTC',
    event_at       DateTime64(3, 'UTC') COMMENT 'Latest close of a receipt seen, UTC; 1970-01-01 when none',
    input_offset   Int64 COMMENT 'Next input offset',
    lag_records    Int64 COMMENT 'Input records still to read, records',
    receipts       Int64 COMMENT 'Accepted receipts',
    members        Int64 COMMENT 'Accepted receipts with an account',
    duplicates     Int64 COMMENT 'Receipts that were already known',
    rejected       Int64 COMMENT 'Receipts sent to the dead letters',
    forwarded      Int64 COMMENT 'Records forwarded to their own partition',
    net_minor      Int64 COMMENT 'Totals of accepted receipts, minor units',
    granted_minor  Int64 COMMENT 'Rewards granted, minor units',
    reversed_minor Int64 COMMENT 'Rewards taken back, minor units, positive',
    `cells.campaign`         Array(LowCardinality(String)) COMMENT 'Campaign of the cell',
    `cells.campaign_version` Array(Int32) COMMENT 'Version of the campaign',
    `cells.arm`              Array(LowCardinality(String)) COMMENT 'TREATMENT, HOLDOUT or NONE',
    `cells.minute`           Array(DateTime64(3, 'UTC')) COMMENT 'Start of the event minute, UTC',
    `cells.considered`       Array(Int64) COMMENT 'Receipts that the campaign looked at',
    `cells.qualified`        Array(Int64) COMMENT 'Receipts that earned, or would have earned in the holdout',
    `cells.rewarded`         Array(Int64) COMMENT 'Receipts with a reward granted',
    `cells.basket_sum_minor` Array(Int64) COMMENT 'Totals of considered receipts, minor units',
    `cells.basket_sum_sq`    Array(Float64) COMMENT 'Squares of those totals, minor units squared; display only',
    `cells.granted_minor`    Array(Int64) COMMENT 'Rewards granted, minor units',
    `cells.reversed_minor`   Array(Int64) COMMENT 'Rewards taken back, minor units, positive',
    `cells.ghost_minor`      Array(Int64) COMMENT 'Rewards that the holdout would have had, minor units',
    `shops.store_id`  Array(LowCardinality(String)) COMMENT 'Shop',
    `shops.receipts`  Array(Int64) COMMENT 'Accepted receipts of the shop',
    `shops.members`   Array(Int64) COMMENT 'Accepted receipts with an account',
    `shops.net_minor` Array(Int64) COMMENT 'Totals of accepted receipts, minor units',
    _partition     Int32 COMMENT 'Partition of the record in Kafka',
    _offset        Int64 COMMENT 'Offset of the record in Kafka',
    _loaded_at     DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC',
    _version       UInt64 MATERIALIZED toUInt64(_offset) COMMENT 'The highest of one (task_partition, counter) is kept: its last offset'
)
ENGINE = ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(as_of)
ORDER BY (task_partition, counter)
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Counters of the commits. Read through cagnotte.campaign_minutes';
-- +goose StatementEnd
