-- Participation of all campaigns: members of the treatment arm, and those of them who have a reward, net of returns.
-- Unit: members. as_of_ms: when the newest receipt that counts was inserted (ms since 1970).
SELECT
    campaign,
    count()                                       AS eligible,
    countIf(granted_minor > 0)                    AS participants,
    toUnixTimestamp64Milli(max(_loaded_at))       AS as_of_ms
FROM cagnotte.campaign_members
WHERE arm = 'TREATMENT'
GROUP BY campaign
