-- +goose NO TRANSACTION
-- Receipts and their lines, as the data team sees them: one copy of each, no training receipts.
--
-- ClickHouse reads every array that ARRAY JOIN names, used or not, so only what most queries want stands there; the rest is taken by position,
-- and read only by queries that ask for it (three times faster for a sum over lines).

-- +goose Up
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
WHERE training = 0
COMMENT 'Accepted receipts, one row each, without training receipts; voids and returns included with their sign';
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
WHERE training = 0
COMMENT 'Lines of accepted receipts, one row each. Basket discounts are not spread over the lines: the receipt''s amount is its lines'' amounts plus its basket discounts';
-- +goose StatementEnd
