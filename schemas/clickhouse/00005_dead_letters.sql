-- +goose NO TRANSACTION
-- Records that were refused, with their original bytes. Named by where the original stands in Kafka.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.dead_letters
(
    topic          LowCardinality(String) COMMENT 'Topic of the original record',
    partition      Int32 COMMENT 'Partition of the original record',
    offset         Int64 COMMENT 'Offset of the original record',
    received_at    DateTime64(3, 'UTC') COMMENT 'Append time of the original record, UTC',
    stage          LowCardinality(String) COMMENT 'Where it was refused: DECODE, SCHEMA, VALIDATE, RULE or STATE',
    code           LowCardinality(String) COMMENT 'Validation code, RCP-nnnn',
    path           String COMMENT 'JSON Pointer to the field',
    detail         String COMMENT 'What was observed and what was expected',
    hint           String COMMENT 'What to do about it',
    receipt_id     String COMMENT 'Receipt as far as it could be read, else empty',
    store_id       LowCardinality(String) COMMENT 'Shop as far as it could be read, else empty',
    schema_id      Int32 COMMENT 'Writer''s schema id, 0 when unknown',
    engine_version LowCardinality(String) COMMENT 'Version of the pipeline that refused it',
    key            String COMMENT 'Original key, bytes',
    value          String COMMENT 'Original value, bytes untouched',
    headers        Map(String, String) COMMENT 'Original headers',
    _partition     Int32 COMMENT 'Partition of the dead letter in Kafka',
    _offset        Int64 COMMENT 'Offset of the dead letter in Kafka',
    _loaded_at     DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC',
    _version       UInt64 MATERIALIZED toUInt64(_offset) COMMENT 'The highest of one (topic, partition, offset) is kept: the last refusal'
)
ENGINE = ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(received_at)
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Refused records. Read through cagnotte.dead_letters';
-- +goose StatementEnd
