package schemas_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"pgregory.net/rapid"
)

const smallest = `{"receipt_id":"r1","type":"SALE","store":{"store_id":"S1"},"terminal_id":"T1","sequence_no":7,
 "ended_at":"2026-12-01T00:30:00+01:00","total_minor":250,
 "lines":[{"line_no":1,"unit_price_minor":250,"gross_minor":250,"net_minor":250,"vat_rate_bp":550}]}`

func smallestReceipt() retail.Receipt {
	return retail.Receipt{
		ID: "r1", Type: retail.Sale, Shop: retail.Shop{ID: "S1", Country: "FR"}, TerminalID: "T1", SequenceNo: 7, EndedAt: 1796081400000, UTCOffsetMin: 60,
		BusinessDate: 20788, Channel: retail.InStore, Currency: "EUR", Total: 250,
		Lines: []retail.Line{{No: 1, Kind: retail.SaleLine, QuantityMilli: 1000, Unit: retail.Each, UnitPrice: 250, Gross: 250, Net: 250, VATRateBP: 550}},
	}
}

// Defaults are the schema's, and the local day and offset come from ended_at.
func TestDecodeReceiptJSONDefaults(t *testing.T) {
	want := smallestReceipt()
	for name, text := range map[string]string{
		"as it is": smallest,
		"nulls":    strings.Replace(smallest, `"type"`, `"loyalty":null,"started_at":null,"channel":null,"type"`, 1),
		"milliseconds": strings.Replace(smallest, `"2026-12-01T00:30:00+01:00"`,
			`1796081400000,"utc_offset_min":60,"business_date":"2026-12-01"`, 1),
		"zulu":    strings.Replace(smallest, `"2026-12-01T00:30:00+01:00"`, `"2026-11-30T23:30:00.000Z","utc_offset_min":60,"business_date":20788`, 1),
		"escapes": strings.Replace(smallest, `"r1"`, `"\u00721"`, 1),
	} {
		got := *basket(5)
		if pr := schemas.DecodeReceiptJSON([]byte(text), &got); pr != nil || plain(got) != plain(want) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, pr, plain(got), plain(want))
		}
	}
}

func TestDecodeReceiptJSONProblems(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(smallest, old) {
			t.Fatalf("%q is not in the example", old)
		}
		return strings.Replace(smallest, old, new, 1)
	}
	for _, c := range []struct{ name, text, path, observed, expected, hint string }{
		{"empty", ``, "", "the end", "an object", ""},
		{"array", `[]`, "", "[]", "an object", ""},
		{"cut", smallest[:strings.Index(smallest, `"S1"`)], "/store/store_id", "the end", "text in quotes", ""},
		{"cut in a string", smallest[:strings.Index(smallest, `1","type`)], "/receipt_id", "the end", "the end of a string", "quote"},
		{"trailing", smallest + ` {}`, "", "{} at byte", "the end of the text", "batch"},
		{"trailing comma", change(`"vat_rate_bp":550}`, `"vat_rate_bp":550,}`), "/lines/0", "}]}", "a value after the comma", "comma"},
		{"missing comma", change(`"type":"SALE",`, `"type":"SALE"`), "", `"store"`, "a comma", ""},
		{"missing colon", change(`"type":`, `"type"`), "", `"SALE"`, "a colon", ""},
		{"unknown field", change(`"terminal_id"`, `"terminalid"`), "/terminalid", "", "one of receipt_id", "did you mean terminal_id?"},
		{"unknown field in a line", change(`"line_no":1`, `"line_no":1,"weather":"rain"`), "/lines/0/weather", "", "one of line_no", "attributes"},
		{"twice", change(`"type":"SALE"`, `"type":"SALE","type":"SALE"`), "/type", "a second value", "one value", "once"},
		{"missing", change(`"terminal_id":"T1",`, ``), "/terminal_id", "nothing", "a value", "required"},
		{"missing in a line", change(`"net_minor":250,`, ``), "/lines/0/net_minor", "nothing", "a value", "required"},
		{"null", change(`"T1"`, `null`), "/terminal_id", "null", "text", ""},
		{"number for text", change(`"T1"`, `1`), "/terminal_id", "1 at byte", "text in quotes", ""},
		{"text for number", change(`"total_minor":250`, `"total_minor":"250"`), "/total_minor", `"250"`, "an integer", "without quotes"},
		{"decimal", change(`"total_minor":250`, `"total_minor":2.50`), "/total_minor", "2.50", "an integer", "12.50 EUR is 1250"},
		{"exponent", change(`"total_minor":250`, `"total_minor":25e1`), "/total_minor", "25e1", "an integer", "minor units"},
		{"leading zero", change(`"total_minor":250`, `"total_minor":0250`), "/total_minor", "0250", "an integer", ""},
		{"too large", change(`"total_minor":250`, `"total_minor":9223372036854775808`), "/total_minor", "9223372036854775808", "64 bits", ""},
		{"too large for 32 bits", change(`"vat_rate_bp":550`, `"vat_rate_bp":2147483648`), "/lines/0/vat_rate_bp", "2147483648", "32 bits", ""},
		{"symbol", change(`"SALE"`, `"SALES"`), "/type", `"SALES"`, "SALE, RETURN", "did you mean SALE?"},
		{"lower case", change(`"SALE"`, `"sale"`), "/type", `"sale"`, "SALE, RETURN", "did you mean SALE?"},
		{"instant", change(`2026-12-01T00:30:00+01:00`, `01/12/2026 00:30`), "/ended_at", "01/12/2026", "RFC 3339", "2026-12-01T"},
		{"no offset", change(`00:30:00+01:00`, `00:30:00Z`), "/utc_offset_min", "nothing", "a value", "with the shop's offset"},
		{"no date", change(`"2026-12-01T00:30:00+01:00"`, `1796081400000,"utc_offset_min":60`), "/business_date", "nothing", "a value", "ended_at"},
		{"date", change(`"type"`, `"business_date":"2026-02-30","type"`), "/business_date", "2026-02-30", "YYYY-MM-DD", ""},
		{"boolean", change(`"type"`, `"training":1,"type"`), "/training", "1", "true or false", ""},
		{"lines are an object", change(`"lines":[`, `"lines":{`), "/lines", "{", "an array", ""},
		{"deep", change(`"net_minor":250`, `"net_minor":250,"discounts":[{"amount_minor":-1},{"amount_minor":-1,"kind":"X"}]`), "/lines/0/discounts/1/kind", `"X"`, "PROMOTION", ""},
		{"control character", change(`"T1"`, "\"T\x01\""), "/terminal_id", "0x01", "text", "escape"},
		{"not UTF-8", change(`"T1"`, "\"T\xff\""), "/terminal_id", "not UTF-8", "UTF-8", "encoding"},
		{"not UTF-8 with an escape", change(`"T1"`, "\"\\nT\xff\""), "/terminal_id", "not UTF-8", "UTF-8", "encoding"},
		{"bad escape", change(`"T1"`, `"T\x"`), "/terminal_id", "an escape", "one of", ""},
		{"lone surrogate", change(`"T1"`, `"T\ud800x"`), "/terminal_id", "an escape", "", "pairs"},
		{"attribute twice", change(`"type"`, `"attributes":{"a":"1","a":"2"},"type"`), "/attributes/a", "a second value", "one value", ""},
		{"attribute with slash", change(`"type"`, `"attributes":{"a/b~c":1},"type"`), "/attributes/a~1b~0c", "1", "text", ""},
		{"zero byte at the end", smallest + "\x00", "", "at byte", "the end of the text", "batch"},
		{"zero byte in a list", change(`"lines":[`, "\"lines\":[\x00"), "/lines/0", "at byte", "an object", ""},
		{"second receipt", smallest + smallest, "", `{"receipt_id`, "the end", "batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := *basket(2)
			pr := schemas.DecodeReceiptJSON([]byte(c.text), &got)
			if pr == nil {
				t.Fatal("accepted")
			}
			if pr.Code != retail.CodeSchema || pr.Path != c.path || !strings.Contains(pr.Observed, c.observed) || !strings.Contains(pr.Expected, c.expected) || !strings.Contains(pr.Hint, c.hint) {
				t.Fatalf("got %+v", pr)
			}
			if got.ID != "" || len(got.Lines) != 0 {
				t.Fatalf("the refused receipt still holds %+v", got)
			}
		})
	}
}

// What is written is valid JSON and is read back to the same receipt, whatever it holds.
func TestReceiptJSONRoundTrip(t *testing.T) {
	var got retail.Receipt
	rapid.Check(t, func(t *rapid.T) {
		want := randomReceipt(t)
		if want.Loyalty != (retail.Loyalty{}) && rapid.Bool().Draw(t, "odd offset") {
			want.UTCOffsetMin = 60
		}
		text := schemas.EncodeReceiptJSON(nil, want)
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		if pr := schemas.DecodeReceiptJSON(text, &got); pr != nil || plain(got) != plain(want) {
			t.Fatalf("%v\n%s\ngot  %s\nwant %s", pr, text, plain(got), plain(want))
		}
	})
}

const smallestEvent = `{"receipt_id":"crm:1","type":"EVENT","ended_at":"2026-12-01T00:30:00+01:00","loyalty":{"account_id":"a-1"},"attributes":{"event":"enrolment"}}`

// An event needs none of a till's fields; a sale that lacks one of them is told which.
func TestDecodeEventJSON(t *testing.T) {
	want := retail.Receipt{ID: "crm:1", Type: retail.Event, EndedAt: 1796081400000, UTCOffsetMin: 60, BusinessDate: 20788, Channel: retail.InStore, Currency: "EUR",
		Loyalty: retail.Loyalty{AccountID: "a-1", ProgramID: "default"}, Attributes: []retail.Attribute{{Key: "event", Value: "enrolment"}}}
	got := *labelled(5)
	if pr := schemas.DecodeReceiptJSON([]byte(smallestEvent), &got); pr != nil || plain(got) != plain(want) {
		t.Fatalf("%v\ngot  %s\nwant %s", pr, plain(got), plain(want))
	}
	if text := string(schemas.EncodeReceiptJSON(nil, enrolment())); strings.Contains(text, "store") || strings.Contains(text, "terminal_id") {
		t.Errorf("an event without a shop is written with one: %s", text)
	}
	for old, path := range map[string]string{`"type":"EVENT",`: "/type", `"ended_at":"2026-12-01T00:30:00+01:00",`: "/ended_at", `"receipt_id":"crm:1",`: "/receipt_id"} {
		if pr := schemas.DecodeReceiptJSON([]byte(strings.Replace(smallestEvent, old, "", 1)), &got); pr == nil || pr.Path != path || pr.Expected != "a value" {
			t.Errorf("without %s: %+v", old, pr)
		}
	}
	sale := strings.Replace(smallestEvent, "EVENT", "SALE", 1)
	if pr := schemas.DecodeReceiptJSON([]byte(sale), &got); pr == nil || pr.Path != "/store" {
		t.Errorf("a sale without a shop: %+v", pr)
	}
}

// What the JSON Schema asks of an event.
func TestEventJSONSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(schemas.ReceiptJSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	for old, changed := range map[string]string{
		`"enrolment"`: `"Enrolment"`, `"event":`: `"what":`, `,"attributes":{"event":"enrolment"}`: ``, `"loyalty":{"account_id":"a-1"},`: ``, `"a-1"`: `""`, `"EVENT"`: `"SALE"`,
	} {
		text := strings.Replace(smallestEvent, old, changed, 1)
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil || text == smallestEvent {
			t.Fatalf("%v in %s", err, text)
		}
		var r retail.Receipt
		policy := retail.Policy{MaxIDBytes: 128, MaxAheadMs: 1 << 50}
		refused := schemas.DecodeReceiptJSON([]byte(text), &r) != nil || policy.Validate(&r, 0) != nil
		if conforms(schema, v, "") == nil || !refused {
			t.Errorf("accepted: %s (refused by the decoder or the policy: %v)", text, refused)
		}
	}
}

// The standard library reads the same values from what is written.
func TestReceiptJSONAgainstOracle(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal(schemas.EncodeReceiptJSON(nil, labelled(2)), &got); err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	err := json.Unmarshal([]byte(`{"receipt_id":"S001:T04:2026-12-01:4711","type":"SALE","store":{"store_id":"S001","gln":"3020123456789","banner":"hyper","country":"FR"},
	"terminal_id":"T04","operator_id":"op-17","business_date":"2026-12-01","sequence_no":4711,"started_at":"2026-12-01T09:58:00+01:00",
	"ended_at":"2026-12-01T10:00:00+01:00","utc_offset_min":60,"channel":"IN_STORE","currency":"EUR",
	"loyalty":{"account_id":"acc-0001234567","program_id":"default","capture":"CARD"},
	"lines":[{"line_no":1,"kind":"SALE","gtin":"3020123400000","sku":"sku0","description":"Café moulu 250 g","department":"12","category":"GROCERY/COFFEE/BEANS",
	"brand":"Arabelle","quantity_milli":1000,"unit":"EA","unit_price_minor":130,"gross_minor":130,"net_minor":120,"vat_rate_bp":550,
	"discounts":[{"amount_minor":-10,"kind":"PROMOTION","promotion_id":"P1","funded_by":"RETAILER"}],"labels":["organic"]},
	{"line_no":2,"kind":"SALE","gtin":"3020123400001","sku":"sku1","description":"Café moulu 250 g","department":"12","category":"GROCERY/COFFEE/BEANS",
	"brand":"Arabelle","quantity_milli":1000,"unit":"EA","unit_price_minor":147,"gross_minor":147,"net_minor":137,"vat_rate_bp":550}],
	"discounts":[{"amount_minor":-5,"kind":"COUPON","promotion_id":"C-2026-11"}],"taxes":[{"vat_rate_bp":550,"taxable_minor":240,"tax_minor":12}],
	"tenders":[{"type":"CARD","amount_minor":2000},{"type":"CASH","amount_minor":-15}],"total_minor":252,"tax_minor":12,"coupons":["C-2026-11"],
	"source":{"pos_vendor":"Encaisse","pos_version":"7.3","sender":"kafka"},"attributes":{"age_check":"no","bags":"2"}}`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if canon(got) != canon(want) {
		t.Fatalf("got  %s\nwant %s", canon(got), canon(want))
	}
}

// The JSON Schema accepts what the decoder accepts and refuses what it refuses, as far as a schema can tell.
func TestReceiptJSONSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(schemas.ReceiptJSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	check := func(text string) error {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return conforms(schema, v, "")
	}
	full := basket(3)
	full.Original = retail.Original{Given: true, ReceiptID: "r0", ShopID: "S1", TerminalID: "T", BusinessDate: 20000, SequenceNo: 1, Reason: "x"}
	for _, text := range []string{smallest, smallestEvent, string(schemas.EncodeReceiptJSON(nil, labelled(3))), string(schemas.EncodeReceiptJSON(nil, enrolment())), string(schemas.EncodeReceiptJSON(nil, full)), strings.Replace(smallest, `"type"`, `"loyalty":null,"channel":null,"type"`, 1)} {
		if err := check(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for old, changed := range map[string]string{
		`"type":"SALE"`: `"type":"SALES"`, `"terminal_id":"T1",`: ``, `"S1"`: `null`, `"line_no":1`: `"line_no":1.5`, `"line_no":1,`: `"line_no":1,"x":1,`,
		`"net_minor":250`: `"net_minor":"250"`, `"vat_rate_bp":550`: `"vat_rate_bp":2147483648`, `{"store_id":"S1"}`: `"S1"`, `"line_no":1` + `,"unit`: `"line_no":1,"labels":"organic","unit`, `"vat_rate_bp":550` + `}`: `"vat_rate_bp":550,"labels":[1]}`, `"sequence_no":7`: `"sequence_no":null`,
		`"total_minor":250`: `"total_minor":250,"discounts":[{"amount_minor":1,"kind":"X"}]`, `"total_minor":250,`: `"total_minor":250,"attributes":{"a":1},`,
	} {
		text := strings.Replace(smallest, old, changed, 1)
		if text == smallest {
			t.Fatalf("%s is not in the example", old)
		}
		if check(text) == nil {
			t.Errorf("the schema accepts %s", changed)
		}
		if schemas.DecodeReceiptJSON([]byte(text), new(retail.Receipt)) == nil {
			t.Errorf("the decoder accepts %s", changed)
		}
	}
}

// conforms checks a value against the part of JSON Schema that the receipt's uses.
func conforms(schema map[string]any, v any, at string) error {
	if types, ok := schema["type"]; ok && !strings.Contains(fmt.Sprint(types)+" ", typeOf(v)) {
		return fmt.Errorf("%s is %s, want %v", at, typeOf(v), types)
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Errorf("%s is %v, want one of %v", at, v, enum)
	}
	switch v := v.(type) {
	case string:
		if least, ok := schema["minLength"].(float64); ok && float64(len(v)) < least {
			return fmt.Errorf("%s is too short", at)
		}
	case float64:
		if limit, ok := schema["maximum"].(float64); ok && v > limit {
			return fmt.Errorf("%s is %v, at most %v", at, v, limit)
		}
	case []any:
		for i, x := range v {
			if err := conforms(schema["items"].(map[string]any), x, fmt.Sprint(at, "/", i)); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := conformsObject(schema, v, at); err != nil {
			return err
		}
	}
	return conformsByType(schema, v, at)
}

// conformsByType follows if, then, else, allOf, const and pattern.
func conformsByType(schema map[string]any, v any, at string) error {
	if want, ok := schema["const"]; ok && v != want {
		return fmt.Errorf("%s is %v, want %v", at, v, want)
	}
	text, isText := v.(string)
	if pattern, ok := schema["pattern"].(string); ok && isText && !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("%s is %q, want %s", at, text, pattern)
	}
	parts, _ := schema["allOf"].([]any)
	if condition, ok := schema["if"].(map[string]any); ok {
		branch := "then"
		if conforms(condition, v, at) != nil {
			branch = "else"
		}
		parts = append(parts, schema[branch])
	}
	for _, part := range parts {
		if err := conforms(part.(map[string]any), v, at); err != nil {
			return err
		}
	}
	return nil
}

func conformsObject(schema, v map[string]any, at string) error {
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf("%s lacks %v", at, name)
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, x := range v {
		sub, ok := properties[name].(map[string]any)
		if !ok {
			open, closed := schema["additionalProperties"]
			if !closed {
				continue
			}
			if sub, ok = open.(map[string]any); !ok {
				return fmt.Errorf("%s has an unknown %s", at, name)
			}
		}
		if err := conforms(sub, x, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func FuzzDecodeReceiptJSON(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add(schemas.EncodeReceiptJSON(nil, labelled(2)))
	f.Add([]byte(smallestEvent))
	f.Add([]byte(`{"receipt_id":"\ud83d\ude00","attributes":{"":""}}`))
	f.Add([]byte(`{"lines":[[[[[[[[[[[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r, again retail.Receipt
		if pr := schemas.DecodeReceiptJSON(text, &r); pr != nil {
			if pr.Code != retail.CodeSchema || pr.Observed == "" || pr.Expected == "" {
				t.Fatalf("a problem that says nothing: %+v", pr)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatal("accepted what is not JSON")
		}
		if pr := schemas.DecodeReceiptJSON(schemas.EncodeReceiptJSON(nil, &r), &again); pr != nil || plain(again) != plain(r) {
			t.Fatalf("round trip: %v\n%s\n%s", pr, plain(r), plain(again))
		}
	})
}

func BenchmarkDecodeReceiptJSON12(b *testing.B) {
	text := schemas.EncodeReceiptJSON(nil, basket(12))
	var r retail.Receipt
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if pr := schemas.DecodeReceiptJSON(text, &r); pr != nil {
			b.Fatal(pr)
		}
	}
}

func BenchmarkEncodeReceiptJSON12(b *testing.B) {
	r := basket(12)
	text := schemas.EncodeReceiptJSON(nil, r)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		text = schemas.EncodeReceiptJSON(text[:0], r)
	}
}
