-- What became of a campaign on the receipts that it looked at. Parameter: campaign. Unit: receipts.
SELECT toString(`results.outcome`[i]) AS outcome, count() AS receipts
FROM
(
    SELECT `results.outcome`, indexOf(`results.campaign`, {campaign:String}) AS i
    FROM cagnotte_raw.decisions FINAL
)
WHERE i > 0
GROUP BY outcome
ORDER BY receipts DESC, outcome
