package schemas_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/avro"
)

// Every published version must be readable by every other of its message, both ways (FULL_TRANSITIVE).
func TestVersionsAreCompatibleBothWays(t *testing.T) {
	all := schemas.AvroSchemas()
	if len(all) < 8 {
		t.Fatalf("%d schemas embedded, want five messages, three versions of the receipt and two of the decision", len(all))
	}
	for _, a := range all {
		for _, b := range all {
			if a.Name != b.Name {
				continue
			}
			if err := avro.CheckCompatibility(avro.MustParse(a.Text), avro.MustParse(b.Text)); err != nil {
				t.Errorf("%s: data of version %d cannot be read by version %d: %v", a.Name, a.Version, b.Version, err)
			}
		}
	}
}

// The check above can fail: a required field that appears, or a changed type, is found.
func TestCheckCompatibleFinds(t *testing.T) {
	old := []schemas.AvroSchema{{Name: "x", Version: 1, Text: `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`}}
	for candidate, want := range map[string]int{
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`:                                                 0,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}`:                       1,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]}`:           0,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}`:                                              2,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}`:                                                1,
		`{"type":"record","name":"R","fields":[]}`:                                                                          1,
		`{"type":"record","name":"R","fields":[{"name":"b","type":"int","default":1},{"name":"a","type":"int","doc":"x"}]}`: 0,
	} {
		reasons, err := schemas.CheckCompatible(candidate, old)
		if err != nil || len(reasons) != want {
			t.Errorf("%s: %d reasons %v (%v), want %d", candidate, len(reasons), reasons, err, want)
		}
	}
	if _, err := schemas.CheckCompatible(`{"type":"recordd"}`, old); err == nil {
		t.Error("nonsense was accepted as a schema")
	}
}

// Current schemas tell each field's meaning and unit, give each enum a default, and parse with the second implementation as well.
func TestSchemasAreDocumented(t *testing.T) {
	for _, s := range schemas.AvroSchemas() {
		if _, err := goavro.NewCodec(s.Text); err != nil {
			t.Errorf("%s version %d: %v", s.Name, s.Version, err)
		}
		current, _ := schemas.CurrentSchema(s.Name)
		if current.Version != s.Version {
			continue
		}
		var root map[string]any
		if err := json.Unmarshal([]byte(s.Text), &root); err != nil {
			t.Fatal(err)
		}
		checkNode(t, s.Name, root)
	}
}

func checkNode(t *testing.T, path string, node any) {
	switch v := node.(type) {
	case []any:
		for _, branch := range v {
			checkNode(t, path, branch)
		}
	case map[string]any:
		switch v["type"] {
		case "record":
			mustSay(t, path, v, "doc")
			for _, f := range v["fields"].([]any) {
				field := f.(map[string]any)
				at := fmt.Sprintf("%s.%v", path, field["name"])
				mustSay(t, at, field, "doc", "unit")
				checkNode(t, at, field["type"])
			}
		case "enum":
			mustSay(t, path, v, "doc", "default")
			if symbols := v["symbols"].([]any); v["default"] != symbols[0] {
				t.Errorf("%s: default %v, want the first symbol %v, which is the zero value", path, v["default"], symbols[0])
			}
		case "array":
			checkNode(t, path, v["items"])
		}
	}
}

func mustSay(t *testing.T, path string, node map[string]any, keys ...string) {
	for _, k := range keys {
		if text, _ := node[k].(string); text == "" {
			t.Errorf("%s has no %s", path, k)
		}
	}
}

// The enums of the domain and of the current schemas have the same symbols in the same order; earlier schemas have the first of them.
func TestEnumSymbols(t *testing.T) {
	want := map[string]func(uint8) string{
		"ReceiptType":  func(i uint8) string { return retail.ReceiptType(i).String() },
		"Channel":      func(i uint8) string { return retail.Channel(i).String() },
		"Capture":      func(i uint8) string { return retail.Capture(i).String() },
		"LineKind":     func(i uint8) string { return retail.LineKind(i).String() },
		"Unit":         func(i uint8) string { return retail.Unit(i).String() },
		"DiscountKind": func(i uint8) string { return retail.DiscountKind(i).String() },
		"TenderType":   func(i uint8) string { return retail.TenderType(i).String() },
	}
	lengths := map[string]int{
		"EntryKind": int(ledger.Merge) + 1, "Book": int(ledger.Transfer) + 1, "Arm": int(rules.Holdout) + 1,
		"Outcome": int(rules.InProgress) + 1, "StepUnit": int(rules.Text) + 1,
	}
	seen := map[string]bool{}
	for _, s := range schemas.AvroSchemas() {
		latest, _ := schemas.CurrentSchema(s.Name)
		for name, symbols := range enumsOf(t, s.Text) {
			seen[name] = true
			if n, ok := lengths[name]; ok && (n < len(symbols) || n > len(symbols) && s.Version == latest.Version) {
				t.Errorf("%s has %d symbols, the domain %d", name, len(symbols), n)
			}
			if s.Version == latest.Version && want[name] != nil && want[name](uint8(len(symbols))) != symbols[0] {
				t.Errorf("%s of %s lacks %s of the domain", name, s.Name, want[name](uint8(len(symbols))))
			}
			for i := 0; want[name] != nil && i < len(symbols); i++ {
				if got := want[name](uint8(i)); got != symbols[i] {
					t.Errorf("%s %d is %s in the domain, the schema has %v", name, i, got, symbols)
				}
			}
		}
	}
	if len(seen) != len(want)+len(lengths) {
		t.Errorf("enums found: %v", slices.Collect(mapKeys(seen)))
	}
}

func mapKeys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func enumsOf(t *testing.T, text string) map[string][]string {
	var root any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	var walk func(any)
	walk = func(node any) {
		switch v := node.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			if v["type"] == "enum" {
				for _, s := range v["symbols"].([]any) {
					out[v["name"].(string)] = append(out[v["name"].(string)], s.(string))
				}
				return
			}
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(root)
	return out
}
