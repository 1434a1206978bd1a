-- +goose NO TRANSACTION
-- Campaign documents as published, with the fields that measurement needs.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.campaigns
(
    campaign       String COMMENT 'Campaign id; also the salt of its experiment',
    version        Int32 COMMENT 'Version of the document, 0 when it could not be read',
    valid          UInt8 COMMENT '0: the document could not be read, problem says why',
    problem        String COMMENT 'First problem of the document, empty when valid',
    effective_from DateTime64(3, 'UTC') COMMENT 'Event time from which this version counts, UTC',
    name_fr        String COMMENT 'Name in French',
    name_en        String COMMENT 'Name in English',
    window_from    DateTime64(3, 'UTC') COMMENT 'Start of the campaign, UTC',
    window_to      DateTime64(3, 'UTC') COMMENT 'End of the campaign, exclusive, UTC; 1970-01-01 when it has none',
    tz             LowCardinality(String) COMMENT 'Time zone of its calendar, IANA',
    holdout_bp     Int32 COMMENT 'Share of the accounts in the holdout, hundredths of a percent',
    budget_minor   Int64 COMMENT 'Budget, minor units, 0 when none',
    priority       Int32 COMMENT 'Higher goes first',
    stacking_group LowCardinality(String) COMMENT 'Group of campaigns that compete on one receipt',
    stacking_mode  LowCardinality(String) COMMENT 'stack, best_for_member or first',
    document       String COMMENT 'The document as published, YAML or JSON',
    published_at   DateTime64(3, 'UTC') COMMENT 'Appended to Kafka, UTC',
    _partition     Int32 COMMENT 'Partition of the record in Kafka',
    _offset        Int64 COMMENT 'Offset of the record in Kafka',
    _loaded_at     DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC',
    _version       UInt64 MATERIALIZED toUInt64(_offset) COMMENT 'The highest of one (campaign, version) is kept: the last publication'
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (campaign, version)
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Published campaigns. Read through cagnotte.campaigns';
-- +goose StatementEnd
