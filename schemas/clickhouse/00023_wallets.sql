-- +goose NO TRANSACTION
-- Wallets, reservations and what members are told. Wallets are plain strings: the server (25.x) cannot compare a view's LowCardinality column with ''.
-- What is there already keeps its meaning: the wallet without a name is the programme's currency.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE cagnotte_raw.ledger_entries
    ADD COLUMN IF NOT EXISTS wallet String COMMENT 'Wallet of the amounts, empty for the programme''s currency' AFTER currency,
    ADD COLUMN IF NOT EXISTS reference String COMMENT 'Reservation of HOLD, COMMIT and CANCEL; gift of REDEEM; event that paid of REFUND; other account of MERGE' AFTER reason,
    COMMENT COLUMN kind 'EARN, ACTIVATE, REVERSE, EXPIRE, HOLD, COMMIT, CANCEL, REDEEM, REFUND, ADJUST or MERGE'
-- +goose StatementEnd

-- +goose StatementBegin
ALTER TABLE cagnotte_raw.balances
    ADD COLUMN IF NOT EXISTS held_minor Int64 COMMENT 'Reserved by tills, not spent yet, minor units' AFTER lifetime_earned_minor,
    ADD COLUMN IF NOT EXISTS `wallets.wallet` Array(LowCardinality(String)) COMMENT 'Names of further wallets' AFTER held_minor,
    ADD COLUMN IF NOT EXISTS `wallets.pending_minor` Array(Int64) COMMENT 'Owed, not yet spendable, minor units' AFTER `wallets.wallet`,
    ADD COLUMN IF NOT EXISTS `wallets.available_minor` Array(Int64) COMMENT 'Spendable, minor units' AFTER `wallets.pending_minor`,
    ADD COLUMN IF NOT EXISTS `wallets.held_minor` Array(Int64) COMMENT 'Reserved by tills, not spent yet, minor units' AFTER `wallets.available_minor`,
    ADD COLUMN IF NOT EXISTS `wallets.lifetime_earned_minor` Array(Int64) COMMENT 'Earned less reversed, minor units' AFTER `wallets.held_minor`
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.notifications
(
    id           String COMMENT 'Made of what happened: what is produced again has the same',
    account_id   String COMMENT 'Token of the loyalty account',
    at           DateTime64(3, 'UTC') COMMENT 'When it happened, or the scheduled instant, UTC',
    type         LowCardinality(String) COMMENT 'Such as BURN_HELD, BURN_REFUSED, EXPIRING or EXPIRED',
    campaign     LowCardinality(String) COMMENT 'Campaign, empty when none is concerned',
    wallet       String COMMENT 'Wallet of the amount, empty for the programme''s currency',
    amount_minor Int64 COMMENT 'Amount concerned, minor units; 0 when none',
    value        String COMMENT 'What was reached, or a reason; empty when there is none',
    target       String COMMENT 'Of what; empty when there is none',
    reference    String COMMENT 'Reservation or event concerned, empty when there is none',
    text_key     LowCardinality(String) COMMENT 'Key of the text that tells it',
    expires_at   DateTime64(3, 'UTC') COMMENT 'When the amount lapses, UTC; 1970-01-01 when it does not or none is concerned',
    _partition   Int32 COMMENT 'Partition of the record in Kafka',
    _offset      Int64 COMMENT 'Offset of the record in Kafka',
    _loaded_at   DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC',
    _version     UInt64 MATERIALIZED toUInt64(_offset) COMMENT 'The highest of one id is kept: its last offset'
)
ENGINE = ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(at)
ORDER BY (account_id, at, id)
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'What members may be told. Read through cagnotte.notifications';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.ledger_entries
(
    account_id            String COMMENT 'Token of the loyalty account',
    seq                   UInt64 COMMENT 'Number of the entry within its account, from 1, without holes',
    entry_id              String COMMENT 'account_id:seq, unique for ever',
    kind                  String COMMENT 'EARN, ACTIVATE, REVERSE, EXPIRE, HOLD, COMMIT, CANCEL, REDEEM, REFUND, ADJUST or MERGE',
    amount_minor          Int64 COMMENT 'Change of pending plus available; for ACTIVATE and COMMIT the amount moved, minor units',
    amount                Decimal(18, 2) COMMENT 'Change of pending plus available; for ACTIVATE and COMMIT the amount moved, currency units',
    pending_after_minor   Int64 COMMENT 'Pending balance of the wallet after the entry, minor units',
    pending_after         Decimal(18, 2) COMMENT 'Pending balance of the wallet after the entry, currency units',
    available_after_minor Int64 COMMENT 'Spendable balance of the wallet after the entry, minor units',
    available_after       Decimal(18, 2) COMMENT 'Spendable balance of the wallet after the entry, currency units',
    wallet                String COMMENT 'Wallet of the amounts, empty for the programme''s currency',
    currency              String COMMENT 'ISO 4217 currency of the amounts, when the wallet is the programme''s',
    campaign              String COMMENT 'Campaign, empty when none is concerned',
    campaign_version      Int32 COMMENT 'Version of the campaign, 0 when none is concerned',
    receipt_id            String COMMENT 'Receipt that caused the entry, empty for timers',
    store_id              String COMMENT 'Shop of that receipt, empty for timers',
    at                    DateTime64(3, 'UTC') COMMENT 'Close of the receipt, or the scheduled instant of a timer, UTC',
    active_from           DateTime64(3, 'UTC') COMMENT 'When the reward becomes spendable, UTC; 1970-01-01: at once, or not a reward',
    expires_at            DateTime64(3, 'UTC') COMMENT 'When the reward lapses, UTC; 1970-01-01: never, or not a reward',
    reason                String COMMENT 'Short code, empty mostly',
    reference             String COMMENT 'Reservation of HOLD, COMMIT and CANCEL; gift of REDEEM; event that paid of REFUND; other account of MERGE',
    postings              Array(Tuple(book String, party String, amount_minor Int64)) COMMENT 'Double entry: book, party and amount moved into it in minor units; the amounts sum to zero',
    processed_at          DateTime64(3, 'UTC') COMMENT 'Append time of the receipt that caused it, or the task clock for timers, UTC',
    _loaded_at            DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition            Int32 COMMENT 'Partition of the record in Kafka',
    _offset               Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    account_id,
    seq,
    concat(account_id, ':', toString(seq)) AS entry_id,
    toString(kind) AS kind,
    amount_minor,
    toDecimal64(amount_minor, 0) * toDecimal64('0.01', 2) AS amount,
    pending_after_minor,
    toDecimal64(pending_after_minor, 0) * toDecimal64('0.01', 2) AS pending_after,
    available_after_minor,
    toDecimal64(available_after_minor, 0) * toDecimal64('0.01', 2) AS available_after,
    wallet,
    toString(currency) AS currency,
    toString(campaign) AS campaign,
    campaign_version,
    receipt_id,
    toString(store_id) AS store_id,
    at,
    active_from,
    expires_at,
    toString(reason) AS reason,
    reference,
    arrayMap((b, p, a) -> (toString(b), p, a), `postings.book`, `postings.party`, `postings.amount_minor`) AS postings,
    processed_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.ledger_entries FINAL
COMMENT 'Double-entry ledger, one row per entry. The sum of amount over all kinds but ACTIVATE and COMMIT of an account and wallet is its pending plus available';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.balances
(
    account_id            String COMMENT 'Token of the loyalty account',
    version               UInt64 COMMENT 'Sequence of the account''s last entry',
    pending_minor         Int64 COMMENT 'Owed, not yet spendable, minor units',
    pending               Decimal(18, 2) COMMENT 'Owed, not yet spendable, currency units',
    available_minor       Int64 COMMENT 'Spendable; negative only after a return of spent money, minor units',
    available             Decimal(18, 2) COMMENT 'Spendable; negative only after a return of spent money, currency units',
    held_minor            Int64 COMMENT 'Reserved by tills, not spent yet, minor units',
    held                  Decimal(18, 2) COMMENT 'Reserved by tills, not spent yet, currency units',
    lifetime_earned_minor Int64 COMMENT 'Earned less reversed, minor units',
    lifetime_earned       Decimal(18, 2) COMMENT 'Earned less reversed, currency units',
    currency              String COMMENT 'ISO 4217 currency of the amounts',
    next_due_at           DateTime64(3, 'UTC') COMMENT 'Next timer: activation, expiry, end of a reservation or reminder, UTC; 1970-01-01 when none',
    updated_at            DateTime64(3, 'UTC') COMMENT 'Append time of the last receipt, or the task clock of the last timer, UTC',
    _loaded_at            DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition            Int32 COMMENT 'Partition of the record in Kafka',
    _offset               Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    account_id,
    version,
    pending_minor,
    toDecimal64(pending_minor, 0) * toDecimal64('0.01', 2) AS pending,
    available_minor,
    toDecimal64(available_minor, 0) * toDecimal64('0.01', 2) AS available,
    held_minor,
    toDecimal64(held_minor, 0) * toDecimal64('0.01', 2) AS held,
    lifetime_earned_minor,
    toDecimal64(lifetime_earned_minor, 0) * toDecimal64('0.01', 2) AS lifetime_earned,
    toString(currency) AS currency,
    next_due_at,
    updated_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.balances FINAL
COMMENT 'Balance of each account in the programme''s currency, as of its last entry; further wallets are in wallet_balances';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.wallet_balances
(
    account_id            String COMMENT 'Token of the loyalty account',
    wallet                String COMMENT 'Wallet, empty for the programme''s currency',
    version               UInt64 COMMENT 'Sequence of the account''s last entry',
    pending_minor         Int64 COMMENT 'Owed, not yet spendable, minor units',
    pending               Decimal(18, 2) COMMENT 'Owed, not yet spendable, units of the wallet',
    available_minor       Int64 COMMENT 'Spendable; negative after a return of spent money or an offline payment, minor units',
    available             Decimal(18, 2) COMMENT 'Spendable; negative after a return of spent money or an offline payment, units of the wallet',
    held_minor            Int64 COMMENT 'Reserved by tills, not spent yet, minor units',
    held                  Decimal(18, 2) COMMENT 'Reserved by tills, not spent yet, units of the wallet',
    lifetime_earned_minor Int64 COMMENT 'Earned less reversed, minor units',
    lifetime_earned       Decimal(18, 2) COMMENT 'Earned less reversed, units of the wallet',
    updated_at            DateTime64(3, 'UTC') COMMENT 'Append time of the last receipt, or the task clock of the last timer, UTC'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    account_id,
    tupleElement(w, 1) AS wallet,
    version,
    tupleElement(w, 2) AS pending_minor,
    toDecimal64(pending_minor, 0) * toDecimal64('0.01', 2) AS pending,
    tupleElement(w, 3) AS available_minor,
    toDecimal64(available_minor, 0) * toDecimal64('0.01', 2) AS available,
    tupleElement(w, 4) AS held_minor,
    toDecimal64(held_minor, 0) * toDecimal64('0.01', 2) AS held,
    tupleElement(w, 5) AS lifetime_earned_minor,
    toDecimal64(lifetime_earned_minor, 0) * toDecimal64('0.01', 2) AS lifetime_earned,
    updated_at
FROM
(
    SELECT account_id, version, updated_at,
        arrayJoin(arrayConcat(
            [('', b.pending_minor, b.available_minor, b.held_minor, b.lifetime_earned_minor)],
            arrayMap((n, p, a, h, l) -> (toString(n), p, a, h, l),
                `wallets.wallet`, `wallets.pending_minor`, `wallets.available_minor`, `wallets.held_minor`, `wallets.lifetime_earned_minor`))) AS w
    FROM cagnotte_raw.balances AS b FINAL
)
COMMENT 'Balance of each account and wallet as of the account''s last entry';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.liabilities
(
    wallet          String COMMENT 'Wallet, empty for the programme''s currency',
    members         UInt64 COMMENT 'Accounts that have something in it, or owe something',
    pending_minor   Int64 COMMENT 'Owed to members, not yet spendable, minor units',
    pending         Decimal(18, 2) COMMENT 'Owed to members, not yet spendable, units of the wallet',
    available_minor Int64 COMMENT 'Owed to members, spendable, minor units',
    available       Decimal(18, 2) COMMENT 'Owed to members, spendable, units of the wallet',
    held_minor      Int64 COMMENT 'Reserved by tills, not spent yet, minor units',
    held            Decimal(18, 2) COMMENT 'Reserved by tills, not spent yet, units of the wallet',
    deficit_minor   Int64 COMMENT 'Owed by members after returns of spent money or offline payments, minor units',
    deficit         Decimal(18, 2) COMMENT 'Owed by members after returns of spent money or offline payments, units of the wallet'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    b.wallet AS wallet,
    countIf(b.pending_minor != 0 OR b.available_minor != 0 OR b.held_minor != 0) AS members,
    sum(b.pending_minor) AS pending_minor,
    toDecimal64(pending_minor, 0) * toDecimal64('0.01', 2) AS pending,
    sum(greatest(b.available_minor, 0)) AS available_minor,
    toDecimal64(available_minor, 0) * toDecimal64('0.01', 2) AS available,
    sum(b.held_minor) AS held_minor,
    toDecimal64(held_minor, 0) * toDecimal64('0.01', 2) AS held,
    sum(greatest(-b.available_minor, 0)) AS deficit_minor,
    toDecimal64(deficit_minor, 0) * toDecimal64('0.01', 2) AS deficit
FROM cagnotte.wallet_balances AS b
GROUP BY b.wallet
COMMENT 'What the programme owes its members, and they owe it, by wallet';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.notifications
(
    id           String COMMENT 'Made of what happened: what is produced again has the same',
    account_id   String COMMENT 'Token of the loyalty account',
    at           DateTime64(3, 'UTC') COMMENT 'When it happened, or the scheduled instant, UTC',
    type         String COMMENT 'Such as BURN_HELD, BURN_REFUSED, EXPIRING or EXPIRED',
    campaign     String COMMENT 'Campaign, empty when none is concerned',
    wallet       String COMMENT 'Wallet of the amount, empty for the programme''s currency',
    amount_minor Int64 COMMENT 'Amount concerned, minor units; 0 when none',
    amount       Decimal(18, 2) COMMENT 'Amount concerned, units of the wallet; 0 when none',
    value        String COMMENT 'What was reached, or a reason; empty when there is none',
    target       String COMMENT 'Of what; empty when there is none',
    reference    String COMMENT 'Reservation or event concerned, empty when there is none',
    text_key     String COMMENT 'Key of the text that tells it',
    expires_at   DateTime64(3, 'UTC') COMMENT 'When the amount lapses, UTC; 1970-01-01 when it does not or none is concerned',
    _loaded_at   DateTime64(3, 'UTC') COMMENT 'Inserted into ClickHouse, UTC',
    _partition   Int32 COMMENT 'Partition of the record in Kafka',
    _offset      Int64 COMMENT 'Offset of the record in Kafka'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    id, account_id, at, toString(type) AS type, toString(campaign) AS campaign, wallet, amount_minor,
    toDecimal64(amount_minor, 0) * toDecimal64('0.01', 2) AS amount, value, target, reference, toString(text_key) AS text_key, expires_at,
    _loaded_at, _partition, _offset
FROM cagnotte_raw.notifications FINAL
COMMENT 'What members may be told, one row per message';
-- +goose StatementEnd
