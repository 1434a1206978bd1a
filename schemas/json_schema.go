package schemas

import (
	"encoding/json"
	"fmt"
	"slices"

	"cagnotte/pipeline/retail"
)

// ReceiptJSONSchema returns the JSON Schema (draft 2020-12) of the plain JSON form of a receipt. It is derived from the current Avro schema and
// from the tables of the JSON decoder, so that the three cannot drift apart.
func ReceiptJSONSchema() []byte {
	current, _ := CurrentSchema("receipt")
	var root map[string]any
	err := json.Unmarshal([]byte(current.Text), &root)
	if err != nil {
		panic(fmt.Sprintf("schemas: embedded receipt schema: %v", err)) // a test parses every embedded schema
	}
	g := jsonSchemaMaker{named: map[string]any{}}
	out := g.record(root)
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = "Receipt"
	requireByType(out)
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("schemas: receipt JSON schema: %v", err)) // maps of strings and numbers always marshal
	}
	return text
}

// requireByType asks an EVENT for its account and kind, and what a till closed for the fields of a till.
func requireByType(receipt map[string]any) {
	required := receipt["required"].([]string)
	object := func(name, key string, value map[string]any) map[string]any {
		return map[string]any{"required": []string{name}, "properties": map[string]any{name: map[string]any{
			"type": "object", "required": []string{key}, "properties": map[string]any{key: value}}}}
	}
	receipt["required"] = required[:eventRequired]
	receipt["if"] = map[string]any{"properties": map[string]any{"type": map[string]any{"const": retail.Event.String()}}}
	receipt["then"] = map[string]any{"allOf": []any{
		object("loyalty", "account_id", map[string]any{"minLength": 1}),
		object("attributes", retail.EventAttribute, map[string]any{"pattern": "^[a-z0-9_-]{1,64}$"}),
	}}
	receipt["else"] = map[string]any{"required": required[eventRequired:]}
}

// jsonSchemaMaker turns Avro nodes into JSON Schema nodes; named keeps records that are used twice.
type jsonSchemaMaker struct{ named map[string]any }

// requiredOf gives the required fields of each record, from the decoder.
func requiredOf(record string) []string {
	f := map[string]fieldSet{"Receipt": receiptFields, "Store": storeFields, "Loyalty": loyaltyFields, "Line": lineFields, "Discount": discountFields,
		"TaxTotal": taxFields, "Tender": tenderFields, "OriginalRef": originalFields, "Source": sourceFields}[record]
	return slices.Clone(f.names[:f.required])
}

func (g *jsonSchemaMaker) record(node map[string]any) map[string]any {
	name := node["name"].(string)
	properties := map[string]any{}
	required := requiredOf(name)
	for _, f := range node["fields"].([]any) {
		field := f.(map[string]any)
		p := g.node(field["type"])
		p["description"] = fmt.Sprintf("%v (%v)", field["doc"], field["unit"])
		if v, ok := field["default"]; ok && v != nil {
			p["default"] = v
		}
		if key := field["name"].(string); !slices.Contains(required, key) {
			p = nullable(p)
			properties[key] = p
			continue
		}
		properties[field["name"].(string)] = p
	}
	out := map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "description": node["doc"]}
	if len(required) > 0 {
		out["required"] = required
	}
	g.named[name] = out
	return out
}

// nullable lets a field that may be missing be null too.
func nullable(p map[string]any) map[string]any {
	switch t := p["type"].(type) {
	case string:
		p["type"] = []any{t, "null"}
	case []any:
		p["type"] = append(t, "null")
	}
	if symbols, ok := p["enum"].([]any); ok {
		p["enum"] = append(slices.Clone(symbols), nil)
	}
	return p
}

func (g *jsonSchemaMaker) node(t any) map[string]any {
	switch v := t.(type) {
	case string:
		return g.primitive(v)
	case []any:
		return g.node(v[1]) // every union of the receipt is ["null", T]
	case map[string]any:
		return g.complex(v)
	}
	panic(fmt.Sprintf("schemas: no JSON form for %v", t)) // the embedded schema has no such node: tested
}

func (g *jsonSchemaMaker) primitive(name string) map[string]any {
	switch name {
	case "string", "boolean":
		return map[string]any{"type": name}
	case "int":
		return map[string]any{"type": "integer", "minimum": -1 << 31, "maximum": 1<<31 - 1}
	case "long":
		return map[string]any{"type": "integer"}
	}
	copied := map[string]any{}
	for k, v := range g.named[name].(map[string]any) {
		copied[k] = v
	}
	return copied
}

func (g *jsonSchemaMaker) complex(v map[string]any) map[string]any {
	switch v["logicalType"] {
	case "timestamp-millis":
		return map[string]any{"type": []any{"string", "integer"}, "format": "date-time"}
	case "date":
		return map[string]any{"type": []any{"string", "integer"}, "format": "date"}
	}
	switch v["type"] {
	case "record":
		return g.record(v)
	case "enum":
		return map[string]any{"type": "string", "enum": v["symbols"]}
	case "array":
		return map[string]any{"type": "array", "items": g.node(v["items"])}
	case "map":
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}, "maxProperties": maxAttributes}
	}
	return g.node(v["type"])
}
