// Package ingest is the HTTP door for receipts: it takes them as JSON, checks each as the pipeline will, and answers with success only once Kafka
// holds them on all in-sync replicas.
//
// What it promises: a receipt that was answered `accepted` or `duplicate` is in the stream. Any other answer says nothing is known to be written, and
// the same receipt can be sent again with the same receipt_id, for ever: the stream removes repeats, and the door recognises those it has seen
// lately. Whatever is refused names the field, what was seen, what was expected and what to do about it (RFC 9457).
//
//	POST /v1/receipts            one receipt                        202 accepted, 200 duplicate
//	POST /v1/receipts:batch      JSON array or NDJSON, 1,000 lines  200 with one result per receipt, in order
//	POST /v1/receipts:validate   the same checks, nothing written   200 valid
//	GET  /v1/schemas/receipt     JSON Schema of a receipt
//	GET  /v1/schemas/campaign.json   JSON Schema of a campaign document
//	GET  /openapi.json           OpenAPI 3.1, also as /v1/openapi.json
//
// Bodies may be compressed with gzip or zstd. A traceparent header travels on in the Kafka record.
package ingest
