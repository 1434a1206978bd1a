package ingest

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"cagnotte/schemas"
)

//go:embed openapi.json
var openAPITemplate []byte

// openAPIDocument returns the OpenAPI document with the receipt's schema put in from the package that owns it. A test holds the paths and codes of
// the document against those of the server.
func openAPIDocument() []byte {
	var doc map[string]any
	var receipt map[string]any
	if err := json.Unmarshal(openAPITemplate, &doc); err != nil {
		panic(fmt.Sprintf("ingest: embedded openapi.json: %v", err)) // a test makes a server
	}
	if err := json.Unmarshal(schemas.ReceiptJSONSchema(), &receipt); err != nil {
		panic(fmt.Sprintf("ingest: receipt schema: %v", err))
	}
	delete(receipt, "$schema") // OpenAPI 3.1 speaks the same dialect
	doc["components"].(map[string]any)["schemas"].(map[string]any)["Receipt"] = receipt
	text, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("ingest: openapi document: %v", err))
	}
	return text
}
