-- +goose NO TRANSACTION
-- A receipt that a member claims afterwards comes a second time under its id, on the member's partition, where offsets say nothing against those of the first.
-- The claimed one is kept: it is the one that earned. Rows that are there already keep their meaning.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE cagnotte_raw.receipts
    MODIFY COLUMN _version UInt64 MATERIALIZED toUInt64(9223372036854775807 - _offset) + if(mapContains(attributes, 'claim') AND account_id != '', toUInt64(9223372036854775808), toUInt64(0))
        COMMENT 'The highest of one receipt_id is kept: the claimed one, else its first offset'
-- +goose StatementEnd

-- +goose StatementBegin
ALTER TABLE cagnotte_raw.decisions
    MODIFY COLUMN _version UInt64 MATERIALIZED toUInt64(9223372036854775807 - input_offset) + if(account_id != '', toUInt64(9223372036854775808), toUInt64(0))
        COMMENT 'The highest of one receipt_id is kept: that of an account, as of a receipt claimed later, else its first input offset'
-- +goose StatementEnd
