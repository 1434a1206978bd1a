-- The last hour in steps, before the first batches that the pages counted themselves.
-- Parameters: firsts, as above; since_ms; step_ms, the length of a step. One row per step: counts of receipts, amounts in minor units.
SELECT
    intDiv(toUnixTimestamp64Milli(as_of), {step_ms:Int64}) * {step_ms:Int64} AS at_ms,
    sum(receipts)      AS receipts_sum,
    sum(members)       AS members_sum,
    sum(rejected)      AS rejected_sum,
    sum(granted_minor) AS granted_sum
FROM cagnotte_raw.metric_batches FINAL
WHERE as_of >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND (NOT mapContains({firsts:Map(Int32, Int64)}, task_partition) OR counter < {firsts:Map(Int32, Int64)}[task_partition])
GROUP BY at_ms
ORDER BY at_ms
