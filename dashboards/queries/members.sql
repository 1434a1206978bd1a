-- One campaign's members by arm, as assigned: how many, how many came, how many have a reward net of returns, and the moments of spend and
-- visits. A member is eligible with a receipt in the 56 days before the start or since, whether or not it came during the campaign.
-- The definitions are those of cagnotte.campaign_members (a test compares them); asking for one campaign at a time lets ClickHouse read only
-- the months of its window.
-- Parameters: campaign, also the salt of its draw; t0_ms and t1_ms, its window (ms since 1970, half-open); holdout_bp.
-- Units: members; spend in minor units and minor units squared; visits in receipts. Sums of squares are exact integers before they become
-- floats, so that figures do not flicker with the order of threads.
WITH
    fromUnixTimestamp64Milli({t0_ms:Int64}, 'UTC') AS t0,
    fromUnixTimestamp64Milli({t1_ms:Int64}, 'UTC') AS t1
SELECT
    if(xxHash64(concat({campaign:String}, '|', m.account_id)) % 10000 < {holdout_bp:Int32}, 'HOLDOUT', 'TREATMENT') AS arm,
    count()                                                                     AS eligible,
    countIf(m.visits > 0)                                                       AS active,
    countIf(d.granted_minor > 0)                                                AS participants,
    countIf(d.ghost_minor > 0)                                                  AS ghosts,
    toFloat64(sum(toInt128(m.spend_minor)))                                     AS spend_sum,
    toFloat64(sum(toInt128(m.spend_minor) * toInt128(m.spend_minor)))           AS spend_sum_sq,
    toFloat64(sum(m.visits))                                                    AS visits_sum,
    toFloat64(sum(m.visits * m.visits))                                         AS visits_sum_sq,
    toUnixTimestamp64Milli(max(m.loaded_at))                                    AS as_of_ms
FROM
(
    SELECT
        account_id,
        countIf(ended_at >= t0 AND type IN ('SALE', 'EXCHANGE')) AS visits,
        sumIf(total_minor, ended_at >= t0)                       AS spend_minor,
        max(_loaded_at)                                          AS loaded_at
    FROM cagnotte_raw.receipt_facts
    WHERE account_id != '' AND ended_at >= t0 - INTERVAL 56 DAY AND ended_at < t1
    GROUP BY account_id
) AS m
LEFT JOIN
(
    SELECT
        account_id,
        sum(`results.granted_minor`[i])                                          AS granted_minor,
        sumIf(`results.desired_minor`[i], `results.outcome`[i] = 'HELD_OUT')     AS ghost_minor
    FROM
    (
        SELECT *, indexOf(`results.campaign`, {campaign:String}) AS i
        FROM cagnotte_raw.decisions FINAL
        WHERE account_id != ''
    )
    WHERE i > 0
    GROUP BY account_id
) AS d ON d.account_id = m.account_id
GROUP BY arm
