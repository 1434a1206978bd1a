-- What each campaign had granted before the first batches that the pages counted themselves.
-- Parameter: firsts, per task the counter of its first counted batch. One row per campaign: receipts, and amounts in minor units.
SELECT
    toString(c_campaign)  AS campaign,
    sum(c_considered)     AS considered,
    sum(c_rewarded)       AS rewarded,
    sum(c_granted_minor)  AS granted_minor,
    sum(c_reversed_minor) AS reversed_minor
FROM
(
    SELECT *
    FROM cagnotte_raw.metric_batches FINAL
    WHERE NOT mapContains({firsts:Map(Int32, Int64)}, task_partition) OR counter < {firsts:Map(Int32, Int64)}[task_partition]
)
ARRAY JOIN
    `cells.campaign` AS c_campaign,
    `cells.considered` AS c_considered,
    `cells.rewarded` AS c_rewarded,
    `cells.granted_minor` AS c_granted_minor,
    `cells.reversed_minor` AS c_reversed_minor
GROUP BY c_campaign
