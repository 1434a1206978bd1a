-- What a campaign granted and took back, by steps of event time, with who paid.
-- Parameter: campaign. Steps are a minute, five, fifteen, an hour, six hours or a day, so that there are at most 400 of them since the first
-- reward; a longer campaign has one a day. Amounts in minor units, reversed is positive; rewards counts receipts; parties and paid are the
-- funders' shares of the step, net. at_ms is the end of the step, as_of_ms when the newest entry was caused.
WITH
    (
        SELECT toInt64(toUnixTimestamp(max(at))) - toInt64(toUnixTimestamp(min(at)))
        FROM cagnotte_raw.ledger_entries
        WHERE campaign = {campaign:String} AND kind IN ('EARN', 'REVERSE')
    ) AS span_s,
    toInt64(multiIf(span_s <= 400 * 60, 60, span_s <= 400 * 300, 300, span_s <= 400 * 900, 900, span_s <= 400 * 3600, 3600, span_s <= 400 * 21600, 21600, 86400)) AS step_s,
    arrayFilter(p -> p.book = 'FUNDING', postings) AS funded,
    sumMap(arrayMap(p -> p.party, funded), arrayMap(p -> -p.amount_minor, funded)) AS paid_by
SELECT
    (intDiv(toInt64(toUnixTimestamp(at)), step_s) + 1) * step_s * 1000            AS at_ms,
    any(step_s) * 1000                                                            AS step_ms,
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
