-- What became of a campaign on the receipts that it looked at. Parameter: campaign. Unit: receipts.
SELECT outcome, count() AS receipts
FROM cagnotte.decisions
WHERE campaign = {campaign:String}
GROUP BY outcome
ORDER BY receipts DESC, outcome
