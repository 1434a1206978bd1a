-- +goose NO TRANSACTION
-- Events that the pipeline has refused stand in the receipts: the sink knows neither the key of signatures (RCP-0012) nor what an account's commands need
-- (RCP-0013), nor which of two contents of an id came first (RCP-0002). The dead letters name them by where they stand in Kafka, so they are left out
-- here from the moment the dead letter has arrived.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.member_events
(
    account_id          String COMMENT 'Token of the loyalty account',
    event               String COMMENT 'What happened: enrol, consent, segment, club, recycling and so on',
    type                String COMMENT 'EVENT; RETURN or VOID when an earlier event is taken back',
    at                  DateTime64(3, 'UTC') COMMENT 'When it happened, UTC',
    attributes          Map(String, String) COMMENT 'What the kind of event carries, as sent, its kind under event',
    receipt_id          String COMMENT 'Identity of the event, unique for ever; decisions and ledger entries name it',
    original_receipt_id String COMMENT 'Event that is taken back, empty when none',
    store_id            String COMMENT 'Shop where it happened, empty when none',
    channel             String COMMENT 'Where it happened',
    line_count          UInt32 COMMENT 'Number of lines',
    quantity            Decimal(18, 3) COMMENT 'Sum of the lines'' quantities',
    amount_minor        Int64 COMMENT 'What the event is about, such as a fee, minor units; 0 when nothing',
    amount              Decimal(18, 2) COMMENT 'What the event is about, such as a fee, currency units; 0 when nothing',
    currency            String COMMENT 'ISO 4217 currency of the amounts',
    received_at         DateTime64(3, 'UTC') COMMENT 'Appended to Kafka, UTC',
    _loaded_at          DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition          Int32 COMMENT 'Partition of the record in Kafka',
    _offset             Int64 COMMENT 'Offset of the record in Kafka: the order of all that happened to an account, receipts included'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    account_id,
    attributes['event'] AS event,
    toString(type) AS type,
    ended_at AS at,
    attributes,
    receipt_id,
    original_receipt_id,
    toString(store_id) AS store_id,
    toString(channel) AS channel,
    toUInt32(length(`lines.line_no`)) AS line_count,
    toDecimal64(arraySum(`lines.quantity_milli`), 0) * toDecimal64('0.001', 3) AS quantity,
    total_minor AS amount_minor,
    toDecimal64(total_minor, 0) * toDecimal64('0.01', 2) AS amount,
    toString(currency) AS currency,
    received_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.receipts FINAL
WHERE training = 0 AND is_event = 1
    AND (_partition, _offset) NOT IN (SELECT partition, offset FROM cagnotte_raw.dead_letters WHERE topic = 'cagnotte.receipts')
COMMENT 'What happened to loyalty accounts apart from tills, one row per event that was not refused'
-- +goose StatementEnd
