-- All members with a receipt on record who are in a campaign's treatment arm. Repeats of a receipt do not matter to a count of distinct accounts.
-- Parameters: campaign, the salt of its draw; holdout_bp, hundredths of a percent. Unit: members.
SELECT uniqExactIf(account_id, xxHash64(concat({campaign:String}, '|', account_id)) % 10000 >= {holdout_bp:Int32}) AS members
FROM cagnotte_raw.receipts
WHERE training = 0 AND is_event = 0 AND account_id != ''
