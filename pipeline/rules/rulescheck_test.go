package rules_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

func (w *world) expect(b block) {
	if b.words[1] == "nothing" {
		w.done()
		return
	}
	if len(w.unexpected) == 0 {
		w.t.Errorf("%s: no result left for %v", w.where, b.words[1:])
		return
	}
	r := w.unexpected[0]
	w.unexpected = w.unexpected[1:]
	want := b.words[1] + " " + b.words[2] + " " + b.words[3]
	if got := fmt.Sprintf("%s %v %v", r.Campaign, r.Outcome, r.Granted); got != want {
		w.t.Errorf("%s: got %s, want %s", w.where, got, want)
	}
	for key, value := range w.settings(b.words[4:]) {
		if got := resultField(&r, key); got != value {
			w.t.Errorf("%s: %s of %s is %s, want %s", w.where, key, r.Campaign, got, value)
		}
	}
	w.steps(&r, b.body)
}

func resultField(r *rules.Result, key string) string {
	instant := func(t retail.Instant) string {
		if t == 0 {
			return "none"
		}
		loc, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			return err.Error()
		}
		return time.UnixMilli(int64(t)).In(loc).Format(time.RFC3339)
	}
	switch key {
	case "desired":
		return r.Desired.String()
	case "basis":
		return r.Basis.String()
	case "capped_by":
		return cmp.Or(r.CappedBy, "nothing")
	case "arm":
		return r.Arm.String()
	case "version":
		return strconv.Itoa(int(r.Version))
	case "period":
		return strconv.Itoa(int(r.Period))
	case "active":
		return instant(r.ActiveFrom)
	case "expires":
		return instant(r.ExpiresAt)
	case "wallet":
		return r.Wallet
	case "badge":
		return r.Badge
	case "held":
		return strconv.Itoa(int(r.Held))
	case "donate":
		return fmt.Sprintf("%s=%d", r.Donate.Party, r.Donate.Rate)
	case "emit":
		return fmt.Sprintf("%s:%v:%v:%d", r.Emit.Kind, r.Emit.To, r.Emit.Net, r.Emit.Pieces)
	case "funding":
		var parts []string
		for _, f := range r.Funding {
			parts = append(parts, fmt.Sprintf("%s=%d", f.Party, f.Rate))
		}
		return strings.Join(parts, ",")
	}
	return "no such field"
}

// steps compares all steps, when any is given.
func (w *world) steps(r *rules.Result, want []string) {
	if len(want) == 0 {
		return
	}
	var got []string
	for i := range r.Steps {
		got = append(got, strings.Join(strings.Fields(stepText(&r.Steps[i])), " "))
	}
	for i := range want {
		want[i] = strings.Join(strings.Fields(want[i]), " ")
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: steps of %s are\n  %s\nwant\n  %s", w.where, r.Campaign, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func stepText(s *rules.Step) string {
	verdict := "no"
	if s.Passed {
		verdict = "ok"
	}
	number := func(v int64) string {
		switch s.Unit {
		case rules.Minor:
			return money.Amount(v).String()
		case rules.Time:
			return time.UnixMilli(v).UTC().Format(time.RFC3339)
		}
		return strconv.FormatInt(v, 10)
	}
	out := fmt.Sprintf("%s %s", s.Code, verdict)
	switch s.Unit {
	case rules.NoUnit:
	case rules.Text:
		out += " " + s.ObservedText
	default:
		out += " " + number(s.Observed)
		if s.Expected != 0 {
			out += " " + number(s.Expected)
		}
	}
	if s.ExpectedText != "" {
		out += " " + s.ExpectedText
	}
	return out
}

func (w *world) granted(id, campaign, want string) {
	var fp rules.Footprint
	if err := fp.Decode(w.footprints[id]); err != nil {
		w.t.Fatalf("%s: %v", w.where, err)
	}
	got := money.Amount(0)
	for _, a := range fp.Awards {
		if a.CampaignKey == rules.CampaignKey(campaign) {
			got = a.Granted
		}
	}
	if got != w.amount(want) {
		w.t.Errorf("%s: %s has %v granted, want %s", w.where, campaign, got, want)
	}
}
