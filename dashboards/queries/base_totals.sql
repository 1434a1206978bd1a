-- What each task had committed before the first batch that the pages counted themselves.
-- Parameters: firsts, per task the counter of that first batch; since_ms, midnight (ms since 1970).
-- One row per task: sunk is the highest counter that has arrived here, amounts are in minor units, the rest counts receipts of the day.
SELECT
    task_partition                                          AS partition,
    max(counter)                                            AS sunk,
    sumIf(receipts, before AND today)                       AS receipts_sum,
    sumIf(members, before AND today)                        AS members_sum,
    sumIf(duplicates, before AND today)                     AS duplicates_sum,
    sumIf(rejected, before AND today)                       AS rejected_sum,
    sumIf(forwarded, before AND today)                      AS forwarded_sum,
    sumIf(net_minor, before AND today)                      AS net_sum,
    sumIf(granted_minor, before AND today)                  AS granted_sum,
    sumIf(reversed_minor, before AND today)                 AS reversed_sum
FROM
(
    SELECT
        *,
        as_of >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') AS today,
        NOT mapContains({firsts:Map(Int32, Int64)}, task_partition)
            OR counter < {firsts:Map(Int32, Int64)}[task_partition] AS before
    FROM cagnotte_raw.metric_batches FINAL
)
GROUP BY task_partition
