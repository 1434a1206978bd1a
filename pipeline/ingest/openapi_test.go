package ingest

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The document lists exactly the server's routes, and every code and status that the sources can answer with.
func TestOpenAPIIsComplete(t *testing.T) {
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ Responses map[string]any }
		Components struct{ Schemas map[string]map[string]any }
	}
	text := openAPIDocument()
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("version %s", doc.OpenAPI)
	}
	routes := (&Server{}).table()
	for _, r := range routes {
		if _, ok := doc.Paths[r.path][strings.ToLower(r.method)]; !ok {
			t.Errorf("%s %s is not in the document", r.method, r.path)
		}
	}
	if len(doc.Paths) != len(routes) {
		t.Errorf("%d paths in the document, %d routes", len(doc.Paths), len(routes))
	}
	codes := doc.Components.Schemas["Code"]["enum"].([]any)
	for code := range titles() {
		if code == "RCP-0103" { // no list of rates is kept here
			continue
		}
		if !slices.Contains(codes, any(string(code))) {
			t.Errorf("code %s is not in the document", code)
		}
	}
	for _, m := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllStringSubmatch(string(text), -1) {
		if doc.Components.Schemas[m[1]] == nil {
			t.Errorf("no schema %s", m[1])
		}
	}
	if doc.Components.Schemas["Receipt"]["properties"] == nil {
		t.Error("the receipt's schema is missing")
	}
}

// Each HTTP status that the sources write is documented for the call.
func TestOpenAPIStatuses(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	if err := json.Unmarshal(openAPIDocument(), &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/v1/receipts":          {"200", "202", "400", "413", "415", "422", "429", "503"},
		"/v1/receipts:batch":    {"200", "400", "413", "415", "429", "503"},
		"/v1/receipts:validate": {"200", "400", "413", "415", "422", "429"},
	} {
		for _, status := range want {
			if _, ok := doc.Paths[path]["post"].Responses[status]; !ok {
				t.Errorf("%s: %s is not documented", path, status)
			}
		}
	}
	source, err := os.ReadFile("problem.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range regexp.MustCompile(`"API-\d{4}"`).FindAllString(string(source), -1) {
		if !strings.Contains(string(openAPIDocument()), code) {
			t.Errorf("%s is not documented", code)
		}
	}
}
