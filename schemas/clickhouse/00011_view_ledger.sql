-- +goose NO TRANSACTION
-- The members' money, as the data team sees it.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE VIEW cagnotte.ledger_entries
(
    account_id            String COMMENT 'Token of the loyalty account',
    seq                   UInt64 COMMENT 'Number of the entry within its account, from 1, without holes',
    entry_id              String COMMENT 'account_id:seq, unique for ever',
    kind                  String COMMENT 'EARN, ACTIVATE, REVERSE, EXPIRE, REDEEM or ADJUST',
    amount_minor          Int64 COMMENT 'Change of pending plus available; for ACTIVATE the amount moved, minor units',
    amount                Decimal(18, 2) COMMENT 'Change of pending plus available; for ACTIVATE the amount moved, currency units',
    pending_after_minor   Int64 COMMENT 'Pending balance after the entry, minor units',
    pending_after         Decimal(18, 2) COMMENT 'Pending balance after the entry, currency units',
    available_after_minor Int64 COMMENT 'Spendable balance after the entry, minor units',
    available_after       Decimal(18, 2) COMMENT 'Spendable balance after the entry, currency units',
    currency              String COMMENT 'ISO 4217 currency of the amounts',
    campaign              String COMMENT 'Campaign, empty when none is concerned',
    campaign_version      Int32 COMMENT 'Version of the campaign, 0 when none is concerned',
    receipt_id            String COMMENT 'Receipt that caused the entry, empty for timers',
    store_id              String COMMENT 'Shop of that receipt, empty for timers',
    at                    DateTime64(3, 'UTC') COMMENT 'Close of the receipt, or the scheduled instant of a timer, UTC',
    active_from           DateTime64(3, 'UTC') COMMENT 'When the reward becomes spendable, UTC; 1970-01-01: at once, or not a reward',
    expires_at            DateTime64(3, 'UTC') COMMENT 'When the reward lapses, UTC; 1970-01-01: never, or not a reward',
    reason                String COMMENT 'Short code, empty mostly',
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
    toString(currency) AS currency,
    toString(campaign) AS campaign,
    campaign_version,
    receipt_id,
    toString(store_id) AS store_id,
    at,
    active_from,
    expires_at,
    toString(reason) AS reason,
    arrayMap((b, p, a) -> (toString(b), p, a), `postings.book`, `postings.party`, `postings.amount_minor`) AS postings,
    processed_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.ledger_entries FINAL
COMMENT 'Double-entry ledger, one row per entry. The sum of amount over EARN, REVERSE, EXPIRE, REDEEM and ADJUST of an account is its pending plus available';
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
    lifetime_earned_minor Int64 COMMENT 'Earned less reversed, minor units',
    lifetime_earned       Decimal(18, 2) COMMENT 'Earned less reversed, currency units',
    currency              String COMMENT 'ISO 4217 currency of the amounts',
    next_due_at           DateTime64(3, 'UTC') COMMENT 'Next activation or expiry, UTC; 1970-01-01 when none',
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
    lifetime_earned_minor,
    toDecimal64(lifetime_earned_minor, 0) * toDecimal64('0.01', 2) AS lifetime_earned,
    toString(currency) AS currency,
    next_due_at,
    updated_at,
    _loaded_at,
    _partition,
    _offset
FROM cagnotte_raw.balances FINAL
COMMENT 'Balance of each account as of its last entry';
-- +goose StatementEnd
