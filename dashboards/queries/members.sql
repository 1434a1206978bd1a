-- One campaign's members by arm, as assigned: how many, how many came, how many have a reward, and the moments of spend and visits.
-- Parameter: campaign. Units: members; spend in minor units and minor units squared; visits in receipts. Sums of squares are exact integers
-- before they become floats, so that figures do not flicker with the order of threads.
SELECT
    arm,
    count()                                                                     AS eligible,
    countIf(visits > 0)                                                         AS active,
    countIf(granted_minor > 0)                                                  AS participants,
    countIf(ghost_minor > 0)                                                    AS ghosts,
    toFloat64(sum(toInt128(spend_minor)))                                       AS spend_sum,
    toFloat64(sum(toInt128(spend_minor) * toInt128(spend_minor)))               AS spend_sum_sq,
    toFloat64(sum(visits))                                                      AS visits_sum,
    toFloat64(sum(visits * visits))                                             AS visits_sum_sq,
    toUnixTimestamp64Milli(max(_loaded_at))                                     AS as_of_ms
FROM cagnotte.campaign_members
WHERE campaign = {campaign:String}
GROUP BY arm
