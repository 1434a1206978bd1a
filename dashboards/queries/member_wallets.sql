-- What a member has in each wallet. Parameter: account. Amounts in minor units; the empty wallet is the programme's currency.
SELECT
    wallet,
    pending_minor,
    available_minor,
    held_minor,
    lifetime_earned_minor,
    version                                AS entries,
    toUnixTimestamp64Milli(updated_at)     AS as_of_ms
FROM cagnotte.wallet_balances
WHERE account_id = {account:String}
ORDER BY wallet
