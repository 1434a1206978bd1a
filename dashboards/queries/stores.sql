-- Traffic of each store before and during a campaign, whole trading days only: the newest day on record may still be open and is left out.
-- Parameters: from and to, the campaign's first day and the day after its last (YYYY-MM-DD); before_days. Unit: receipts per day, days.
WITH
    toDate({from:String}) AS first_day,
    (SELECT least(toDate({to:String}), max(business_date)) FROM cagnotte.store_days) AS end_day
SELECT
    s.store_id                                                                                            AS store,
    any(t.banner)                                                                                         AS banner,
    any(t.country)                                                                                        AS country,
    sumIf(s.receipts, s.business_date < first_day) / greatest(1, countIf(s.business_date < first_day))    AS before,
    sumIf(s.receipts, s.business_date >= first_day) / greatest(1, countIf(s.business_date >= first_day))  AS during,
    countIf(s.business_date < first_day)                                                                  AS days_before,
    countIf(s.business_date >= first_day)                                                                 AS days_during,
    toUnixTimestamp64Milli(max(s._loaded_at))                                                             AS as_of_ms
FROM cagnotte.store_days AS s
LEFT JOIN
(
    SELECT toString(store_id) AS store_id, toString(any(banner)) AS banner, toString(any(country)) AS country
    FROM cagnotte_raw.receipts
    WHERE is_event = 0
    GROUP BY store_id
) AS t ON t.store_id = s.store_id
WHERE s.business_date >= first_day - {before_days:UInt16} AND s.business_date < end_day
GROUP BY s.store_id
ORDER BY s.store_id
