-- +goose NO TRANSACTION
-- The members' money. An entry is named by its account and sequence: one that is produced again writes the same row, in the same month, for
-- its instant is the event's and never the moment of processing. Should a later attempt differ, the later offset is what the ledger now says.
-- A balance is named by its account: the highest version wins, so there is one partition.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.ledger_entries
(
    account_id              String COMMENT 'Token of the loyalty account',
    seq                     UInt64 COMMENT 'Number of the entry within its account, from 1, without holes',
    kind                    LowCardinality(String) COMMENT 'EARN, ACTIVATE, REVERSE, EXPIRE, REDEEM or ADJUST',
    currency                LowCardinality(String) COMMENT 'ISO 4217 currency of every amount of the row',
    amount_minor            Int64 COMMENT 'Change of pending plus available, minor units; for ACTIVATE the amount moved',
    pending_after_minor     Int64 COMMENT 'Pending balance after the entry, minor units',
    available_after_minor   Int64 COMMENT 'Spendable balance after the entry, minor units; negative only after a return of spent money',
    campaign                LowCardinality(String) COMMENT 'Campaign, empty when none is concerned',
    campaign_version        Int32 COMMENT 'Version of the campaign, 0 when none is concerned',
    receipt_id              String COMMENT 'Receipt that caused the entry, empty for timers',
    store_id                LowCardinality(String) COMMENT 'Shop of that receipt, empty for timers',
    at                      DateTime64(3, 'UTC') COMMENT 'Close of the receipt, or the scheduled instant of a timer, UTC',
    active_from             DateTime64(3, 'UTC') COMMENT 'When the reward becomes spendable, UTC; 1970-01-01: at once, or not a reward',
    expires_at              DateTime64(3, 'UTC') COMMENT 'When the reward lapses, UTC; 1970-01-01: never, or not a reward',
    reason                  LowCardinality(String) COMMENT 'Short code, empty mostly',
    `postings.book`         Array(LowCardinality(String)) COMMENT 'Book: MEMBER_PENDING, MEMBER_AVAILABLE, FUNDING, WRITE_OFF, BREAKAGE or SETTLEMENT',
    `postings.party`        Array(String) COMMENT 'Whose book: the account, or a funder',
    `postings.amount_minor` Array(Int64) COMMENT 'Moved into the book, minor units; the postings of an entry sum to zero',
    processed_at            DateTime64(3, 'UTC') COMMENT 'Append time of the receipt that caused it, or the task clock for timers, UTC',
    _partition              Int32 COMMENT 'Partition of the record in Kafka',
    _offset                 Int64 COMMENT 'Offset of the record in Kafka; one record holds all entries of one step',
    _loaded_at              DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC',
    _version                UInt64 MATERIALIZED toUInt64(_offset) COMMENT 'The highest of one (account_id, seq) is kept: its last offset',
    INDEX by_receipt receipt_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(_version)
PARTITION BY toYYYYMM(at)
ORDER BY (account_id, seq)
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Double-entry ledger of the members. Read through cagnotte.ledger_entries';
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS cagnotte_raw.balances
(
    account_id            String COMMENT 'Token of the loyalty account',
    version               UInt64 COMMENT 'Sequence of the account''s last entry; the highest is kept',
    currency              LowCardinality(String) COMMENT 'ISO 4217 currency of every amount of the row',
    pending_minor         Int64 COMMENT 'Owed, not yet spendable, minor units',
    available_minor       Int64 COMMENT 'Spendable, minor units; negative only after a return of spent money',
    lifetime_earned_minor Int64 COMMENT 'Earned less reversed, minor units',
    next_due_at           DateTime64(3, 'UTC') COMMENT 'Next activation or expiry, UTC; 1970-01-01 when none',
    updated_at            DateTime64(3, 'UTC') COMMENT 'Append time of the last receipt, or the task clock of the last timer, UTC',
    _partition            Int32 COMMENT 'Partition of the record in Kafka',
    _offset               Int64 COMMENT 'Offset of the record in Kafka',
    _loaded_at            DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'Inserted here, UTC'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY account_id
SETTINGS non_replicated_deduplication_window = 20000
COMMENT 'Balances of the members. Read through cagnotte.balances';
-- +goose StatementEnd
