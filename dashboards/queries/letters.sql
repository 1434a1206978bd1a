-- Refused records of the last hours, by code, the newest code first; path, detail and store are those of the newest record.
-- Parameter: hours. Unit: records; last_ms in ms since 1970.
SELECT
    code,
    count()                                       AS letters,
    toUnixTimestamp64Milli(max(received_at))      AS last_ms,
    argMax(stage, received_at)                    AS last_stage,
    argMax(path, received_at)                     AS last_path,
    argMax(detail, received_at)                   AS last_detail,
    argMax(store_id, received_at)                 AS last_store
FROM cagnotte.dead_letters
WHERE received_at >= now64(3) - toIntervalHour({hours:UInt16})
GROUP BY code
ORDER BY last_ms DESC
LIMIT 12
