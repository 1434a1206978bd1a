-- +goose NO TRANSACTION
-- Receipts as they came, accepted ones only: one row per receipt, its lines and other parts as arrays of that row. A receipt is replaced or
-- kept as a whole: two copies of one id with other content can never mix their lines.
--
-- Name of a row: receipt_id. The first offset on the receipt's own partition wins, as in the pipeline: _version falls as _offset grows.
-- Months of ended_at: copies of one receipt share it. Copies with other content may not, and FINAL still removes them.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.receipts
(
    receipt_id           String COMMENT 'Identity of the receipt, unique for ever; chosen by the till',
    type                 LowCardinality(String) COMMENT 'SALE, RETURN, EXCHANGE or VOID',
    training             UInt8 COMMENT '1: a training receipt, never rewarded, never in a KPI',
    store_id             LowCardinality(String) COMMENT 'Shop where it was closed',
    gln                  LowCardinality(String) COMMENT 'GS1 GLN of the shop, empty when not sent',
    banner               LowCardinality(String) COMMENT 'Banner of the shop, empty when not sent',
    country              LowCardinality(String) COMMENT 'ISO 3166 alpha-2 country of the shop, empty when not sent',
    terminal_id          LowCardinality(String) COMMENT 'Till',
    operator_id          String COMMENT 'Cashier token, empty when not sent',
    business_date        Date COMMENT 'Trading day of the shop; 1970-01-01 when not sent',
    sequence_no          Int64 COMMENT 'Number of the transaction on its till',
    started_at           DateTime64(3, 'UTC') COMMENT 'First line scanned, UTC; 1970-01-01 when not sent',
    ended_at             DateTime64(3, 'UTC') COMMENT 'Closed, UTC: the event time of every rule',
    utc_offset_min       Int32 COMMENT 'Local time minus UTC at close, minutes',
    local_hour           UInt8 COMMENT 'Hour of the close in the shop''s local time, 0 to 23',
    channel              LowCardinality(String) COMMENT 'Where the basket was made: IN_STORE, SELF_CHECKOUT, SCAN_AND_GO, DRIVE, ONLINE, CLICK_COLLECT, DELIVERY',
    currency             LowCardinality(String) COMMENT 'ISO 4217 currency of every amount of the row',
    account_id           String COMMENT 'Token of the loyalty account, empty on an anonymous receipt',
    program_id           LowCardinality(String) COMMENT 'Loyalty programme, empty when not sent',
    capture              LowCardinality(String) COMMENT 'How the account was identified: CARD, APP, PHONE, PAYMENT_LINKED, AFTER_SALE',
    total_minor          Int64 COMMENT 'Total with VAT after discounts, minor units; negative on a return',
    tax_minor            Int64 COMMENT 'VAT inside the total, minor units',
    coupons              Array(String) COMMENT 'Coupon codes presented',
    original_given       UInt8 COMMENT '1: the receipt names the one that it returns or voids',
    original_receipt_id  String COMMENT 'Identity of the original receipt, empty when not given',
    original_store_id    String COMMENT 'Shop of the original receipt, empty when not given',
    original_terminal_id String COMMENT 'Till of the original receipt, empty when not given',
    original_business_date Date COMMENT 'Trading day of the original receipt, 1970-01-01 when not given',
    original_sequence_no Int64 COMMENT 'Number of the original receipt on its till, 0 when not given',
    original_reason      LowCardinality(String) COMMENT 'Why it is returned or void, empty when not given',
    pos_vendor           LowCardinality(String) COMMENT 'Maker of the till software',
    pos_version          LowCardinality(String) COMMENT 'Version of the till software',
    sender               LowCardinality(String) COMMENT 'System that sent the receipt',
    attributes           Map(String, String) COMMENT 'Extension pairs, as sent',
    `lines.line_no`          Array(Int32) COMMENT 'Number of the line within the receipt',
    `lines.kind`             Array(LowCardinality(String)) COMMENT 'SALE, RETURN, DEPOSIT, FEE, GIFT_CARD or SERVICE',
    `lines.gtin`             Array(String) COMMENT 'GS1 GTIN, empty when not sent',
    `lines.sku`              Array(String) COMMENT 'Article number of the network, empty when not sent',
    `lines.description`      Array(String) COMMENT 'Text on the receipt',
    `lines.department`       Array(LowCardinality(String)) COMMENT 'Department, empty when not sent',
    `lines.category`         Array(LowCardinality(String)) COMMENT 'Category path with slashes, empty when not sent',
    `lines.brand`            Array(LowCardinality(String)) COMMENT 'Brand, empty when not sent',
    `lines.quantity_milli`   Array(Int64) COMMENT 'Quantity in thousandths of the unit; negative on a return',
    `lines.unit`             Array(LowCardinality(String)) COMMENT 'EA piece, KGM kilogram, LTR litre, MTR metre',
    `lines.unit_price_minor` Array(Int64) COMMENT 'Price of one unit with VAT, minor units',
    `lines.gross_minor`      Array(Int64) COMMENT 'Before discounts, minor units',
    `lines.net_minor`        Array(Int64) COMMENT 'Paid after the line''s discounts, minor units; negative on a return',
    `lines.vat_rate_bp`      Array(Int32) COMMENT 'VAT rate, hundredths of a percent',
    `lines.discount_minor`   Array(Int64) COMMENT 'Sum of the line''s discounts, minor units, negative',
    `lines.loyalty_eligible` Array(UInt8) COMMENT '0: the till says that the line may not be rewarded',
    `lines.return_of_line`   Array(Int32) COMMENT 'Line of the original receipt, 0 when not given',
    `discounts.line_no`      Array(Int32) COMMENT 'Line that the discount stands on, 0 for the whole basket',
    `discounts.amount_minor` Array(Int64) COMMENT 'Discount, minor units, negative',
    `discounts.kind`         Array(LowCardinality(String)) COMMENT 'PROMOTION, COUPON, LOYALTY, MARKDOWN, EMPLOYEE or MANUAL',
    `discounts.promotion_id` Array(String) COMMENT 'Promotion, empty when not sent',
    `discounts.funded_by`    Array(LowCardinality(String)) COMMENT 'RETAILER or the GLN of a supplier, empty when not sent',
    `taxes.vat_rate_bp`      Array(Int32) COMMENT 'VAT rate, hundredths of a percent',
    `taxes.taxable_minor`    Array(Int64) COMMENT 'Taxable amount, minor units',
    `taxes.tax_minor`        Array(Int64) COMMENT 'VAT, minor units',
    `tenders.type`           Array(LowCardinality(String)) COMMENT 'Means of payment: CASH, CARD, MEAL_VOUCHER, GIFT_CARD, CHEQUE, CASHBACK, VOUCHER, CREDIT, OTHER',
    `tenders.amount_minor`   Array(Int64) COMMENT 'Amount paid by it, minor units',
    received_at          DateTime64(3, 'UTC') COMMENT 'Appended to Kafka by the broker, UTC',
    _partition           Int32 COMMENT 'Partition of the record in Kafka',
    _offset              Int64 COMMENT 'Offset of the record in Kafka',
    _loaded_at           DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC',
    _version             UInt64 MATERIALIZED toUInt64(9223372036854775807 - _offset) COMMENT 'The highest of one receipt_id is kept: its first offset',
    INDEX by_account account_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(ended_at)
ORDER BY receipt_id
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Accepted receipts with their lines. Read through cagnotte.receipts and cagnotte.receipt_lines';
-- +goose StatementEnd
