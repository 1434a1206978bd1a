package rules

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// grammar is what exists at each place: keys of a group, or the words of a choice. Places in lists have no numbers.
type grammar struct{ keys, words map[string][]string }

func newGrammar() *grammar { return &grammar{map[string][]string{}, map[string][]string{}} }

func (g *grammar) add(to map[string][]string, path string, values []string) {
	for _, v := range values {
		if !slices.Contains(to[path], v) {
			to[path] = append(to[path], v)
		}
	}
	slices.Sort(to[path])
}

var number = regexp.MustCompile(`\[\d+\]`)

// parserGrammar asks the parser what it knows, by letting it read every document at hand: what is absent is asked for as well.
func parserGrammar(t *testing.T, docs [][]byte) *grammar {
	g := newGrammar()
	for _, doc := range docs {
		r := &reader{file: "schema", asked: func(path string, keys, words []string) {
			path = number.ReplaceAllString(path, "")
			g.add(g.keys, path, keys)
			if len(words) > 0 && !slices.Equal(words, []string{"true", "false"}) {
				g.add(g.words, path, words)
			}
		}}
		root, ok := r.parseTree(doc)
		if !ok {
			t.Fatalf("%s\n%v", doc, r.diags)
		}
		root.campaign()
	}
	return g
}

// schemaGrammar reads the same from the schema.
func schemaGrammar(t *testing.T) *grammar {
	var root map[string]any
	if err := json.Unmarshal(documentSchema, &root); err != nil {
		t.Fatal(err)
	}
	g := newGrammar()
	var walk func(path string, v any)
	walk = func(path string, v any) {
		s, ok := v.(map[string]any)
		if !ok {
			return
		}
		if ref, ok := s["$ref"].(string); ok {
			walk(path, root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")])
		}
		for _, some := range []any{s["anyOf"], []any{s["items"]}} {
			list, _ := some.([]any)
			for _, v := range list {
				walk(path, v)
			}
		}
		for _, w := range list(s["enum"]) {
			g.add(g.words, path, []string{w.(string)})
		}
		properties, _ := s["properties"].(map[string]any)
		for key, v := range properties {
			g.add(g.keys, path, []string{key})
			walk(join(path, key), v)
		}
		if properties != nil && s["additionalProperties"] != false {
			t.Errorf("%s takes keys that are not listed", path)
		}
	}
	walk("", root)
	return g
}

func list(v any) []any { l, _ := v.([]any); return l }

// allDocuments are the shipped ones, those of the rules files, and one with what is left.
func allDocuments(t *testing.T) [][]byte {
	docs := [][]byte{[]byte(`
id: all
tests:
  - member: {}
    steps: [{receipt: {store: {}, lines: [{}]}, expect: {}}, {return: {lines: [{line: 1}], of: 1}}, {event: {store: {}, lines: [{}]}}, {void: {of: 1}, expect: none}]
  - {receipt: {store: {}, lines: [{}]}, expect: {}}
  - {event: {store: {}, lines: [{}]}, expect: none}
name: {}
funding: [{}]
reward: {ladder: [{}]}
progress: {per: {}, objectives: [{lines: {}}]}
tiers: {levels: [{}]}
returns: {}
channels: [X]
window: {weekdays: [x]}
terms: {}
budget: {per_store: {}}
`), []byte("id: a\nprogress: {count: x, per: x}\nreturns: x\nterms: {stores: {}}"), []byte("id: a\nprogress: {count: pieces, per: x}\nreward: {fixed: 1}\nreturns: x")}
	for _, f := range append(Library(), Examples()...) {
		docs = append(docs, f.Doc)
	}
	files, err := filepath.Glob("testdata/*.rules")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, loaded(string(raw))...)
	}
	return docs
}

// loaded are the documents of a rules file.
func loaded(raw string) (docs [][]byte) {
	for _, block := range strings.Split(raw, "\nload\n")[1:] {
		var doc strings.Builder
		for line := range strings.Lines(block) {
			if !strings.HasPrefix(line, "  ") {
				break
			}
			doc.WriteString(line)
		}
		docs = append(docs, []byte(doc.String()))
	}
	return docs
}

// Every key and every word that the parser knows is in the schema at the same place, and the other way round.
func TestSchemaIsTheGrammar(t *testing.T) {
	parser, schema := parserGrammar(t, allDocuments(t)), schemaGrammar(t)
	compare := func(what string, a, b map[string][]string, in string) {
		for path, values := range a {
			for _, v := range values {
				if !slices.Contains(b[path], v) {
					t.Errorf("%s %q of %q is not known to the %s", what, v, path, in)
				}
			}
		}
	}
	compare("key", parser.keys, schema.keys, "schema")
	compare("key", schema.keys, parser.keys, "parser")
	compare("word", parser.words, schema.words, "schema")
	compare("word", schema.words, parser.words, "parser")
	if len(parser.keys) < 30 || len(parser.words) < 15 {
		t.Errorf("only %d groups and %d choices were found", len(parser.keys), len(parser.words))
	}
}

// What the parser takes is valid by the schema, as it was written and in its canonical form; what a schema can see to be wrong is not.
func TestSchemaAcceptsWhatTheParserAccepts(t *testing.T) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(documentSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("campaign.json", value); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("campaign.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(doc []byte) error {
		text, err := yaml.YAMLToJSON(doc)
		if err != nil {
			return err
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}
	count := 0
	for _, doc := range allDocuments(t) {
		c, _ := Parse("schema", doc)
		if c == nil {
			continue
		}
		count++
		for _, form := range [][]byte{doc, c.JSON()} {
			if err := valid(form); err != nil {
				t.Errorf("%s\n%v", form, err)
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d documents", count)
	}
	head := "id: a\nversion: 1\nname: N\nwindow: {from: 2026-12-01}\n"
	for _, wrong := range []string{
		head, head + "reward: {percent: 10, fixed: 1}", head + "reward: {percent: 110}", head + "rewards: {fixed: 1}", head + "reward: {fixed: 1}\nchannels: SHOP",
		head + "reward: {fixed: 1}\ntiers: {count: spend, levels: [{name: a, from: 1}]}", head + "reward: {fixed: 1}\nwho: {}", "version: 1\nname: N\nwindow: {from: 2026-12-01}\nreward: {fixed: 1}",
	} {
		if c, _ := Parse("wrong", []byte(wrong)); c != nil || valid([]byte(wrong)) == nil {
			t.Errorf("parsed %v, valid %v: %s", c != nil, valid([]byte(wrong)) == nil, wrong)
		}
	}
}
