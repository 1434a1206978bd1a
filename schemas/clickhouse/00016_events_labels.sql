-- +goose NO TRANSACTION
-- Version 3 of the receipt: labels of lines, and events of accounts, which travel among the receipts and are none. The raw table keeps every record of
-- the topic, so that an account has one order of what happened to it; what counts receipts leaves events out, and cagnotte.member_events has them.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE cagnotte_raw.receipts
    ADD COLUMN IF NOT EXISTS `lines.labels` Array(Array(LowCardinality(String))) COMMENT 'What the product is known for, lower case: organic, eco-a, msc; empty when not sent' AFTER `lines.return_of_line`,
    ADD COLUMN IF NOT EXISTS is_event UInt8 MATERIALIZED type = 'EVENT' OR (type IN ('RETURN', 'VOID') AND attributes['event'] != '')
        COMMENT '1: an event of an account, or the return or void of one, which carries its attribute event: not a receipt of a till',
    COMMENT COLUMN IF EXISTS type 'SALE, RETURN, EXCHANGE or VOID; EVENT is what happened to an account apart from a till'
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.receipts
(
    receipt_id          String COMMENT 'Identity of the receipt, unique for ever',
    type                String COMMENT 'SALE, RETURN, EXCHANGE or VOID',
    store_id            String COMMENT 'Shop where it was closed',
    banner              String COMMENT 'Banner of the shop, empty when not sent',
    country             String COMMENT 'ISO 3166 alpha-2 country of the shop, empty when not sent',
    terminal_id         String COMMENT 'Till',
    business_date       Date COMMENT 'Trading day of the shop',
    local_hour          UInt8 COMMENT 'Hour of the close in the shop''s local time, 0 to 23',
    started_at          DateTime64(3, 'UTC') COMMENT 'First line scanned, UTC; 1970-01-01 when not sent',
    ended_at            DateTime64(3, 'UTC') COMMENT 'Closed, UTC',
    utc_offset_min      Int32 COMMENT 'Local time minus UTC at close, minutes',
    sequence_no         Int64 COMMENT 'Number of the transaction on its till',
    channel             String COMMENT 'IN_STORE, SELF_CHECKOUT, SCAN_AND_GO, DRIVE, ONLINE, CLICK_COLLECT or DELIVERY',
    currency            String COMMENT 'ISO 4217 currency of the amounts',
    account_id          String COMMENT 'Token of the loyalty account, empty on an anonymous receipt',
    is_member           UInt8 COMMENT '1: the receipt names an account',
    capture             String COMMENT 'How the account was identified',
    line_count          UInt32 COMMENT 'Number of lines',
    amount_minor        Int64 COMMENT 'Total with VAT after discounts, negative on a return, minor units',
    amount              Decimal(18, 2) COMMENT 'Total with VAT after discounts, negative on a return, currency units',
    tax_minor           Int64 COMMENT 'VAT inside the amount, minor units',
    tax                 Decimal(18, 2) COMMENT 'VAT inside the amount, currency units',
    original_receipt_id String COMMENT 'Receipt that it returns or voids, empty when not given',
    coupons             Array(String) COMMENT 'Coupon codes presented',
    received_at         DateTime64(3, 'UTC') COMMENT 'Appended to Kafka, UTC',
    _loaded_at          DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition          Int32 COMMENT 'Partition of the record in Kafka',
    _offset             Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    receipt_id,
    toString(type) AS type,
    toString(store_id) AS store_id,
    toString(banner) AS banner,
    toString(country) AS country,
    toString(terminal_id) AS terminal_id,
    business_date,
    local_hour,
    started_at,
    ended_at,
    utc_offset_min,
    sequence_no,
    toString(channel) AS channel,
    toString(currency) AS currency,
    account_id,
    account_id != '' AS is_member,
    toString(capture) AS capture,
    toUInt32(length(`lines.line_no`)) AS line_count,
    total_minor AS amount_minor,
    toDecimal64(total_minor, 0) * toDecimal64('0.01', 2) AS amount,
    tax_minor,
    toDecimal64(tax_minor, 0) * toDecimal64('0.01', 2) AS tax,
    original_receipt_id,
    coupons,
    received_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.receipts FINAL
WHERE training = 0 AND is_event = 0
COMMENT 'Accepted receipts, one row each, without training receipts and events of accounts; voids and returns included with their sign';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.receipt_lines
(
    receipt_id       String COMMENT 'Receipt of the line',
    line_no          Int32 COMMENT 'Number of the line within the receipt',
    kind             String COMMENT 'SALE, RETURN, DEPOSIT, FEE, GIFT_CARD or SERVICE',
    gtin             String COMMENT 'GS1 GTIN, empty when not sent',
    sku              String COMMENT 'Article number of the network, empty when not sent',
    description      String COMMENT 'Text on the receipt',
    department       String COMMENT 'Department, empty when not sent',
    category         String COMMENT 'Category path with slashes, empty when not sent',
    brand            String COMMENT 'Brand, empty when not sent',
    quantity         Decimal(18, 3) COMMENT 'Quantity in the unit, negative on a return',
    unit             String COMMENT 'EA piece, KGM kilogram, LTR litre, MTR metre',
    unit_price_minor Int64 COMMENT 'Price of one unit with VAT, minor units',
    unit_price       Decimal(18, 2) COMMENT 'Price of one unit with VAT, currency units',
    gross_minor      Int64 COMMENT 'Before discounts, minor units',
    gross            Decimal(18, 2) COMMENT 'Before discounts, currency units',
    discount_minor   Int64 COMMENT 'Discounts of the line, negative, minor units',
    discount         Decimal(18, 2) COMMENT 'Discounts of the line, negative, currency units',
    amount_minor     Int64 COMMENT 'Paid after the line''s discounts, negative on a return, minor units',
    amount           Decimal(18, 2) COMMENT 'Paid after the line''s discounts, negative on a return, currency units',
    vat_rate_bp      Int32 COMMENT 'VAT rate, hundredths of a percent',
    loyalty_eligible UInt8 COMMENT '0: the till says that the line may not be rewarded',
    labels           Array(String) COMMENT 'What the product is known for, lower case: organic, eco-a, msc; empty when not sent',
    receipt_type     String COMMENT 'SALE, RETURN, EXCHANGE or VOID',
    store_id         String COMMENT 'Shop of the receipt',
    business_date    Date COMMENT 'Trading day of the shop',
    local_hour       UInt8 COMMENT 'Hour of the close in local time, 0 to 23',
    ended_at         DateTime64(3, 'UTC') COMMENT 'Close of the receipt, UTC',
    channel          String COMMENT 'Where the basket was made',
    currency         String COMMENT 'ISO 4217 currency of the amounts',
    account_id       String COMMENT 'Token of the loyalty account, empty when anonymous',
    _loaded_at       DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition       Int32 COMMENT 'Partition of the record in Kafka',
    _offset          Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    receipt_id,
    l_no AS line_no,
    toString(l_kind) AS kind,
    toString(`lines.gtin`[i]) AS gtin,
    toString(`lines.sku`[i]) AS sku,
    toString(`lines.description`[i]) AS description,
    toString(`lines.department`[i]) AS department,
    toString(l_category) AS category,
    toString(l_brand) AS brand,
    toDecimal64(l_quantity_milli, 0) * toDecimal64('0.001', 3) AS quantity,
    toString(`lines.unit`[i]) AS unit,
    `lines.unit_price_minor`[i] AS unit_price_minor,
    toDecimal64(`lines.unit_price_minor`[i], 0) * toDecimal64('0.01', 2) AS unit_price,
    l_gross_minor AS gross_minor,
    toDecimal64(l_gross_minor, 0) * toDecimal64('0.01', 2) AS gross,
    l_discount_minor AS discount_minor,
    toDecimal64(l_discount_minor, 0) * toDecimal64('0.01', 2) AS discount,
    l_net_minor AS amount_minor,
    toDecimal64(l_net_minor, 0) * toDecimal64('0.01', 2) AS amount,
    `lines.vat_rate_bp`[i] AS vat_rate_bp,
    `lines.loyalty_eligible`[i] AS loyalty_eligible,
    CAST(`lines.labels`[i], 'Array(String)') AS labels,
    toString(type) AS receipt_type,
    toString(store_id) AS store_id,
    business_date,
    local_hour,
    ended_at,
    toString(channel) AS channel,
    toString(currency) AS currency,
    account_id,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.receipts FINAL
ARRAY JOIN
    arrayEnumerate(`lines.line_no`) AS i,
    `lines.line_no` AS l_no,
    `lines.kind` AS l_kind,
    `lines.category` AS l_category,
    `lines.brand` AS l_brand,
    `lines.quantity_milli` AS l_quantity_milli,
    `lines.gross_minor` AS l_gross_minor,
    `lines.discount_minor` AS l_discount_minor,
    `lines.net_minor` AS l_net_minor
WHERE training = 0 AND is_event = 0
COMMENT 'Lines of accepted receipts, one row each. Basket discounts are not spread over the lines: the receipt''s amount is its lines'' amounts plus its basket discounts';
-- +goose StatementEnd

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
WHERE training = 0 AND is_event = 0
    AND NOT (type = 'VOID' AND original_receipt_id != '')
    AND receipt_id NOT IN (SELECT original_receipt_id FROM cagnotte_raw.receipts WHERE type = 'VOID' AND original_receipt_id != '' AND training = 0)
COMMENT 'Receipts that count in KPIs, one row each: no training receipts, no events of accounts, no voids, no voided receipts';
-- +goose StatementEnd

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
COMMENT 'What happened to loyalty accounts apart from tills, one row per event'
-- +goose StatementEnd
