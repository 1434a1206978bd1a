-- +goose NO TRANSACTION
-- Refused records and published campaigns.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.dead_letters
(
    topic          String COMMENT 'Topic of the original record',
    partition      Int32 COMMENT 'Partition of the original record',
    offset         Int64 COMMENT 'Offset of the original record',
    received_at    DateTime64(3, 'UTC') COMMENT 'Append time of the original record, UTC',
    stage          String COMMENT 'Where it was refused: DECODE, SCHEMA, VALIDATE, RULE or STATE',
    code           String COMMENT 'Validation code, RCP-nnnn',
    path           String COMMENT 'JSON Pointer to the field',
    detail         String COMMENT 'What was observed and what was expected',
    hint           String COMMENT 'What to do about it',
    receipt_id     String COMMENT 'Receipt as far as it could be read, else empty',
    store_id       String COMMENT 'Shop as far as it could be read, else empty',
    schema_id      Int32 COMMENT 'Writer''s schema id, 0 when unknown',
    engine_version String COMMENT 'Version of the pipeline that refused it',
    key            String COMMENT 'Original key, bytes',
    value          String COMMENT 'Original value, bytes untouched',
    value_bytes    UInt64 COMMENT 'Length of the value, bytes',
    value_base64   String COMMENT 'Original value in base64, for tools that need text',
    headers        Map(String, String) COMMENT 'Original headers',
    _loaded_at     DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition     Int32 COMMENT 'Partition of the record in Kafka',
    _offset        Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    toString(topic) AS topic,
    partition,
    offset,
    received_at,
    toString(stage) AS stage,
    toString(code) AS code,
    path,
    detail,
    hint,
    receipt_id,
    toString(store_id) AS store_id,
    schema_id,
    toString(engine_version) AS engine_version,
    key,
    value,
    length(value) AS value_bytes,
    base64Encode(value) AS value_base64,
    headers,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.dead_letters FINAL
COMMENT 'Refused records, one row each, with the original bytes';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.campaigns
(
    campaign       String COMMENT 'Campaign id; also the salt of its experiment',
    version        Int32 COMMENT 'Version of the document',
    is_latest      UInt8 COMMENT '1: the highest version of the campaign',
    name_fr        String COMMENT 'Name in French',
    name_en        String COMMENT 'Name in English',
    effective_from DateTime64(3, 'UTC') COMMENT 'Event time from which this version counts, UTC',
    window_from    DateTime64(3, 'UTC') COMMENT 'Start of the campaign, UTC',
    window_to      DateTime64(3, 'UTC') COMMENT 'End of the campaign, exclusive, UTC; 1970-01-01 when it has none',
    tz             String COMMENT 'Time zone of its calendar, IANA',
    holdout_bp     Int32 COMMENT 'Share of the accounts in the holdout, hundredths of a percent',
    design         String COMMENT 'randomised: a holdout was drawn by hash; observational: there is none',
    budget_minor   Int64 COMMENT 'Budget, 0 when none, minor units',
    budget         Decimal(18, 2) COMMENT 'Budget, 0 when none, currency units',
    priority       Int32 COMMENT 'Higher goes first',
    stacking_group String COMMENT 'Campaigns that compete on one receipt',
    stacking_mode  String COMMENT 'stack, best_for_member or first',
    document       String COMMENT 'The document as published, YAML or JSON',
    published_at   DateTime64(3, 'UTC') COMMENT 'Appended to Kafka, UTC',
    _loaded_at     DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition     Int32 COMMENT 'Partition of the record in Kafka',
    _offset        Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    campaign,
    version,
    version = max(version) OVER (PARTITION BY campaign) AS is_latest,
    name_fr,
    name_en,
    effective_from,
    window_from,
    window_to,
    toString(tz) AS tz,
    holdout_bp,
    if(holdout_bp > 0, 'randomised', 'observational') AS design,
    budget_minor,
    toDecimal64(budget_minor, 0) * toDecimal64('0.01', 2) AS budget,
    priority,
    toString(stacking_group) AS stacking_group,
    toString(stacking_mode) AS stacking_mode,
    document,
    published_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.campaigns FINAL
WHERE valid = 1
COMMENT 'Published campaigns, one row per version';
-- +goose StatementEnd
