package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cagnotte/loadtest"
	"cagnotte/pipeline/programmes"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// Every shipped programme passes its examples and keeps its promises; a copy does too, and one that is broken ends with exit code 3.
func TestProgrammeCommands(t *testing.T) {
	g, out, errOut := campaignGlobals()
	if err := (&ProgrammeTestCmd{}).Run(t.Context(), g); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(out.String(), `"what":"demo stream"`); n != len(programmes.Names()) {
		t.Errorf("%d demo streams were run: %s", n, errOut)
	}
	dir := filepath.Join(t.TempDir(), "our-cafe")
	g, _, _ = campaignGlobals()
	if err := (&ProgrammeCopyCmd{Name: "cafe", Dir: dir}).Run(g); err != nil {
		t.Fatal(err)
	}
	wantCode(t, (&ProgrammeCopyCmd{Name: "cafe", Dir: dir}).Run(g), ExitUsage)
	card := filepath.Join(dir, "campaigns", "coffee-card.yaml")
	doc, err := os.ReadFile(card)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(card, bytes.Replace(doc, []byte("target: 10"), []byte("target: 9"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	g, out, _ = campaignGlobals()
	g.Output = "table"
	wantCode(t, (&ProgrammeTestCmd{Names: []string{dir}}).Run(t.Context(), g), ExitInvalid)
	if !strings.Contains(out.String(), "coffee-card.yaml") || !strings.Contains(out.String(), "expected IN_PROGRESS") {
		t.Errorf("got %s", out)
	}
	wantCode(t, (&ProgrammeTestCmd{Names: []string{"nowhere"}}).Run(t.Context(), g), ExitNotFound)
}

func TestProgrammeLsAndShow(t *testing.T) {
	for _, form := range []string{"table", "ndjson"} {
		g, out, _ := campaignGlobals()
		g.Output = form
		if err := (&ProgrammeLsCmd{Lang: "fr"}).Run(g); err != nil || !strings.Contains(out.String(), "Hypermarché") {
			t.Errorf("%s: %v %s", form, err, out)
		}
		out.Reset()
		if err := (&ProgrammeShowCmd{Name: "cafe", Lang: "en"}).Run(g); err != nil || !strings.Contains(out.String(), "9 coffees bought") {
			t.Errorf("%s: %v %s", form, err, out)
		}
	}
}

// The demo stream of every programme: the same seed gives the same items, all that is not broken on purpose is accepted, with events of every kind that
// the programme names, and new members enrol before they buy.
func TestProgrammeStreams(t *testing.T) {
	policy := retail.DefaultPolicy()
	policy.Currency = "EUR"
	for _, name := range programmes.Names() {
		p, err := programmes.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		first, kinds := streamOf(t, p, policy)
		if again, _ := streamOf(t, p, policy); again != first {
			t.Errorf("%s: two streams of one seed differ", name)
		}
		for _, e := range p.About.Stream.Events {
			if kinds[e.Kind] == 0 {
				t.Errorf("%s: no %s in the stream", name, e.Kind)
			}
		}
		if p.About.Stream.Shares.Newcomers > 0 && kinds["enrol"] == 0 {
			t.Errorf("%s: nobody enrols", name)
		}
	}
}

// streamOf adds up the content of some thousand items and counts the events by kind.
func streamOf(t *testing.T, p *programmes.Programme, policy retail.Policy) (sum uint64, kinds map[string]int) {
	t.Helper()
	src, err := newProgrammeSource(p)
	if err != nil {
		t.Fatal(err)
	}
	kinds = map[string]int{}
	var it loadtest.Item
	var scratch []byte
	for range 6000 {
		src.g.Next(&it)
		r := &it.Receipt
		pr := policy.Validate(r, r.EndedAt)
		if pr == nil {
			pr = rules.NoteEvent(nil, r)
		}
		if pr != nil {
			t.Fatalf("%s: %s %s: %v", p.Name, it.Kind, r.ID, pr)
		}
		if r.Type == retail.Event {
			kinds[strings.Clone(r.EventKind())]++
		}
		var h uint64
		h, scratch = r.ContentHash(scratch)
		sum = sum*31 + h
	}
	return sum, kinds
}
