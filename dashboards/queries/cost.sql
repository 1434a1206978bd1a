-- What a campaign granted and took back, by steps of event time, with who paid.
-- Parameters: campaign; step_s, the length of a step in seconds. Amounts in minor units, reversed is positive; rewards counts receipts;
-- parties and paid are the funders' shares of the step, net. at_ms is the end of the step, as_of_ms when the newest entry was caused.
WITH
    arrayFilter(p -> p.book = 'FUNDING', postings) AS funded,
    sumMap(arrayMap(p -> p.party, funded), arrayMap(p -> -p.amount_minor, funded)) AS paid_by
SELECT
    toInt64(intDiv(toUnixTimestamp(at), {step_s:UInt32}) + 1) * {step_s:UInt32} * 1000  AS at_ms,
    sumIf(amount_minor, kind = 'EARN')                                            AS granted_minor,
    -sumIf(amount_minor, kind = 'REVERSE')                                        AS reversed_minor,
    countIf(kind = 'EARN')                                                        AS rewards,
    paid_by.1                                                                     AS parties,
    paid_by.2                                                                     AS paid,
    toUnixTimestamp64Milli(max(processed_at))                                     AS as_of_ms
FROM cagnotte.ledger_entries
WHERE campaign = {campaign:String} AND kind IN ('EARN', 'REVERSE')
GROUP BY at_ms
ORDER BY at_ms
