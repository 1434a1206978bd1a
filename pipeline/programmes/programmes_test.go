package programmes_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cagnotte/pipeline/programmes"
	"cagnotte/pipeline/rules"
)

// Every shipped programme reads, passes its examples, compiles as a whole, and is what programme copy writes.
func TestShippedProgrammes(t *testing.T) {
	for _, name := range programmes.Names() {
		t.Run(name, func(t *testing.T) {
			p, err := programmes.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			r := p.Test()
			for _, d := range r.Documents {
				for _, f := range d.Failed {
					t.Errorf("%s:%d: %s: %s", d.Document, f.Line, f.Name, f.Failure)
				}
			}
			for _, c := range r.Checks {
				if !c.Passed {
					t.Errorf("%s: %s", c.Name, c.Detail)
				}
			}
			copied := fstest.MapFS{}
			for _, f := range p.Files {
				copied[f.Path] = &fstest.MapFile{Data: f.Data}
			}
			again, err := programmes.Read("copy", copied)
			if err != nil || len(again.Campaigns) != len(p.Campaigns) || len(p.Campaigns) < 5 {
				t.Errorf("a copy has not the same campaigns: %v", err)
			}
		})
	}
	if _, err := programmes.Load("../cafe"); !errors.Is(err, programmes.ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

// Ids are those of the files, names are told in both languages, and no programme leaves its documents without a sentence.
func TestShippedDocuments(t *testing.T) {
	for _, name := range programmes.Names() {
		p, err := programmes.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range p.Campaigns {
			if c.ID+".yaml" != p.Documents[i].Name {
				t.Errorf("%s: %s holds campaign %s", name, p.Documents[i].Name, c.ID)
			}
			if c.Name.FR == c.Name.EN || rules.Sentence(c, "fr") == "" {
				t.Errorf("%s: %s is told in one language", name, c.ID)
			}
			again, ds := rules.Parse("canonical.json", c.JSON())
			if again == nil || string(again.JSON()) != string(c.JSON()) {
				t.Errorf("%s: %s: the canonical form does not come back: %v", name, c.ID, ds)
			}
		}
	}
}

// Resellers are told of every point they earn and of points about to lapse, as the programme says.
func TestResellersAreTold(t *testing.T) {
	p, err := programmes.Load("resellers")
	if err != nil {
		t.Fatal(err)
	}
	told, reminded := 0, false
	for _, c := range p.Campaigns {
		if c.Reward.Wallet == "points" && !c.Notify {
			t.Errorf("%s gives points and tells nobody", c.ID)
		}
		if c.Notify {
			told++
		}
		reminded = reminded || c.Terms != nil && c.Terms.Wallet == "points" && c.Terms.Rules.RemindMs > 0
	}
	if told < 5 || !reminded || len(p.Gifts) != 400 {
		t.Errorf("%d campaigns tell, reminded: %v, %d gifts", told, reminded, len(p.Gifts))
	}
}

const about = `name: {fr: Un, en: One}
about: {fr: Un programme, en: A programme}
currency: EUR
stream:
  seed: 1
  per_hour: 100
  members: 10
  shops: 1
  formats: [{banner: a, share: 100, terminals: 1, weight: 1, lines: 1}]
  channels: [{channel: IN_STORE, share: 100}]
  shelves: [{category: A, names: [a], articles: 1, price: [1.00, 2.00], weight: 1}]
checks:
  reward_cost: {least: 1, most: 5, cost_of_goods: 50}
`

const campaign = "id: a\nversion: 1\nname: A\nwindow: {from: 2026-01-01}\nreward: {percent: 5}\ntests: [{receipt: {lines: [{net: 10.00}]}, expect: {outcome: AWARDED, amount: 0.50}}]\n"

// What is wrong with a folder is told with the file and the place.
func TestReadTellsWhatIsWrong(t *testing.T) {
	good := map[string]string{"programme.yaml": about, "campaigns/a.yaml": campaign}
	for want, change := range map[string][2]string{
		"campaigns/a.yaml:5:19":                  {"campaigns/a.yaml", strings.Replace(campaign, "percent: 5", "percent: x", 1)},
		"name and about are needed":              {"programme.yaml", strings.Replace(about, "fr: Un, ", "", 1)},
		"unknown field":                          {"programme.yaml", about + "colour: blue\n"},
		"want two amounts":                       {"programme.yaml", strings.Replace(about, "[1.00, 2.00]", "[2.00, 1.00]", 1)},
		"want an amount such as 1.20":            {"programme.yaml", strings.Replace(about, "[1.00, 2.00]", "[a, 1.00]", 1)},
		"want a percentage":                      {"programme.yaml", strings.Replace(about, "least: 1", "least: 1000", 1)},
		"gifts.csv:2: want an id":                {"gifts.csv", "id,category,name_fr,name_en,points\ng,a,b,c,0\n"},
		"gifts.csv: want the head line":          {"gifts.csv", "id,points\n"},
		"no campaigns/*.yaml":                    {"campaigns/a.yaml", ""},
		"programme.yaml: file does not exist":    {"programme.yaml", ""},
		"members from 1 to 1 000 000, shops fro": {"programme.yaml", strings.Replace(about, "members: 10", "members: 0", 1)},
	} {
		files := maps.Clone(good)
		if files[change[0]] = change[1]; change[1] == "" {
			delete(files, change[0])
		}
		dir := fstest.MapFS{}
		for name, text := range files {
			dir[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := programmes.Read("p", dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// A check can fail: failing examples, documents without any, and rewards that cost too much or too little are counted.
func TestChecksCanFail(t *testing.T) {
	bad := strings.Replace(campaign, "amount: 0.50", "amount: 0.60", 1)
	p, err := programmes.Read("p", fstest.MapFS{
		"programme.yaml": {Data: []byte(about)}, "campaigns/a.yaml": {Data: []byte(bad)},
		"campaigns/b.yaml": {Data: []byte("id: b\nversion: 1\nname: B\nwindow: {from: 2026-01-01}\nreward: {percent: 5}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := p.Test()
	if r.Failed() != 2 || r.Passed() != 1 || r.Documents[0].Failed[0].Failure != "amount 0.50, expected 0.60" {
		t.Errorf("got %+v", r)
	}
	catalogue := "id,category,name_fr,name_en,points\nmug,a,Tasse,Mug,30.00\n"
	for stream, passes := range map[string]bool{"gift: [mug]}, amount: [30.00, 30.00]": true, "gift: [mug]}, amount: [20.00, 30.00]": false, "gift: [cup]}, amount: [30.00, 30.00]": false, "wallet: [points]}, amount: [30.00, 30.00]": false} {
		events := strings.Replace(about, "checks:", "  events: [{kind: redeem, per_10k: 1, attributes: {"+stream+"}]\nchecks:", 1)
		p, err := programmes.Read("p", fstest.MapFS{"programme.yaml": {Data: []byte(events)}, "campaigns/a.yaml": {Data: []byte(campaign)}, "gifts.csv": {Data: []byte(catalogue)}})
		if err != nil {
			t.Fatal(err)
		}
		if r := p.Test(); (r.Failed() == 0) != passes {
			t.Errorf("%s: %+v", stream, r.Checks)
		}
	}
	for granted, passes := range map[int64]bool{199: false, 200: true, 1000: true, 1020: false} { // half of it is the cost
		r := programmes.Report{}
		p.CheckCost(&r, programmes.Cost{Spend: 10_000, Granted: granted})
		if (r.Failed() == 0) != passes {
			t.Errorf("granted %d: %+v", granted, r.Checks)
		}
	}
	for _, run := range []programmes.Run{{}, {Receipts: 1, Refused: 1}, {Receipts: 1, Idle: []string{"a"}}} {
		r := programmes.Report{}
		if p.CheckStream(&r, run); r.Failed() != 1 {
			t.Errorf("%+v passes", run)
		}
	}
	if !slices.IsSorted(programmes.Names()) {
		t.Error("names are not in order")
	}
}
