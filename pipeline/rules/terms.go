package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Terms is a document that says how the money of one wallet is spent. Its numbers are the ledger's; where it is spent is up to Stores. A nil *Terms
// says nothing.
type Terms struct {
	Wallet string // empty: the programme's currency
	Stores Stores
	Rules  ledger.Terms
	// ClaimMs is how long after its close an anonymous receipt may be claimed by a member; 0: not at all.
	ClaimMs int64
}

// Ledger returns what the ledger needs to know; nil when there is nothing.
func (t *Terms) Ledger() *ledger.Terms {
	if t == nil {
		return nil
	}
	return &t.Rules
}

// Accepts reports whether money may be spent in a shop.
func (t *Terms) Accepts(shop *retail.Shop) bool {
	if t == nil {
		return true
	}
	return t.Stores.holds(shop)
}

// TermsOf returns the terms of a wallet that hold at an instant, nil when there are none.
func (rs *Ruleset) TermsOf(wallet string, at retail.Instant) *Terms {
	for i := range rs.terms {
		r := &rs.terms[i]
		if r.doc.Terms.Wallet == wallet && r.chosen.holds(at) && r.window.holds(at) {
			return r.doc.Terms
		}
	}
	return nil
}

// Claims reports whether any terms let members claim receipts.
func (rs *Ruleset) Claims() bool { return rs.claims }

// ClaimMs is how long after its close a receipt may be claimed by terms that hold at an instant; 0: not at all.
func (rs *Ruleset) ClaimMs(at retail.Instant) int64 {
	if t := rs.TermsOf("", at); t != nil {
		return t.ClaimMs
	}
	return 0
}

// takeTerms moves the documents that are terms out of the rules: they are asked, never judged. One wallet has one at a time.
func (rs *Ruleset) takeTerms() error {
	rs.terms = slices.DeleteFunc(slices.Clone(rs.rules), func(r rule) bool { return r.doc.Terms == nil })
	if len(rs.terms) == 0 {
		return nil
	}
	rs.rules = slices.DeleteFunc(rs.rules, func(r rule) bool { return r.doc.Terms != nil })
	for i := range rs.terms {
		rs.claims = rs.claims || rs.terms[i].doc.Terms.ClaimMs != 0
		for j := range i {
			a, b := &rs.terms[j], &rs.terms[i]
			if a.doc.Terms.Wallet != b.doc.Terms.Wallet {
				continue
			}
			if x, _ := overlapping([]*rule{a}, []*rule{b}); x != nil && a.chosen.from < a.chosen.to && b.chosen.from < b.chosen.to {
				return fmt.Errorf("compile campaigns: %s and %s are both the terms of %s at one time: end one before the other begins", a.id, b.id, walletText(a.doc.Terms.Wallet))
			}
		}
	}
	return nil
}

func walletText(wallet string) string {
	if wallet == "" {
		return "the programme's currency"
	}
	return "wallet " + wallet
}

// ParseMoment reads a day or an instant as documents write it, days in the default zone; last: a day means its end.
func ParseMoment(text string, last bool) (retail.Instant, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return retail.Instant(t.UnixMilli()), nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no day and no instant", text)
	}
	loc, err := loadZone(DefaultZone)
	if err != nil {
		return 0, err
	}
	day := t.Day()
	if last {
		day++
	}
	return dayStart(t.Year(), t.Month(), day, loc), nil
}

// terms reads the document's part of that name.
func (n node) terms() *Terms {
	if !n.given() {
		return nil
	}
	k := n.keys("wallet", "min_purchase", "min_amount", "max_share", "stores", "hold", "hold_online", "negative_limit", "remind", "inactivity", "claim")
	at := func(key string) node { return child(k, n, key) }
	t := &Terms{Wallet: at("wallet").walletName(), Stores: at("stores").stores()}
	t.Rules = ledger.Terms{
		MinPurchase:  at("min_purchase").amount(),
		MinAmount:    at("min_amount").amount(),
		MaxShare:     money.Rate(at("max_share").percent(4, true)),
		HoldMs:       at("hold").lifetime(7 * dayMs),
		HoldOnlineMs: at("hold_online").lifetime(30 * dayMs),
		RemindMs:     at("remind").duration(400),
		IdleMs:       at("inactivity").duration(3660),
	}
	if t.Rules.IdleMs != 0 && t.Rules.IdleMs <= t.Rules.RemindMs {
		at("inactivity").fail(CodeConflict, "the reminder comes before the last purchase", "more than "+lifetimeText(t.Rules.RemindMs), "")
	}
	t.ClaimMs = at("claim").duration(366)
	if t.ClaimMs != 0 && t.Wallet != "" {
		at("claim").fail(CodeConflict, "receipts are claimed for the whole account", "claim in the terms of the programme's currency", "")
	}
	if limit := at("negative_limit"); limit.given() {
		t.Rules.Limited, t.Rules.NegativeLimit = true, limit.amountOrZero()
	}
	if t.Rules.MinPurchase != 0 && t.Rules.MinAmount > t.Rules.MinPurchase {
		at("min_amount").fail(CodeConflict, "the least amount is above the least purchase", "an amount that fits the purchase", "")
	}
	return t
}

// walletName reads the name of a wallet.
func (n node) walletName() string {
	if !n.given() {
		return ""
	}
	const want = "1 to 32 of a-z, 0-9 and -"
	s := n.text(256)
	if s != "" && !ledger.ValidWallet(s) {
		n.fail(CodeRange, "found "+quoteShort(s), want, "leave it out to mean the programme's currency")
		return ""
	}
	return s
}

// lifetime reads "15m", "2h" or "1d" in milliseconds.
func (n node) lifetime(most int64) int64 {
	if !n.given() {
		return 0
	}
	want := fmt.Sprintf("minutes, hours or days such as 15m, 2h or 1d, at most %dd", most/dayMs)
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	units := map[string]int64{"m": 60_000, "h": hourMs, "d": dayMs}
	unit := units[s[max(0, len(s)-1):]]
	v, err := strconv.ParseUint(strings.TrimSuffix(s, s[max(0, len(s)-1):]), 10, 31)
	if err != nil || unit == 0 {
		n.fail(CodeType, "found "+quoteShort(s), want, "")
		return 0
	}
	if v == 0 || int64(v)*unit > most {
		n.fail(CodeRange, "found "+s, want, "")
		return 0
	}
	return int64(v) * unit
}

// onlyTerms refuses what a document of terms cannot have beside them.
func (n node) onlyTerms(c *Campaign, k map[string]node) {
	if w := &c.Window; w.Hours != (Hours{}) || w.Weekdays != 0 {
		child(k, n, "window").fail(CodeConflict, "terms hold at every hour", "a window without hours and weekdays", "")
	}
	for _, key := range rewardKeys {
		if v := child(k, n, key); v.given() {
			v.fail(CodeConflict, "the document gives terms, and "+key, "a document of terms: id, version, name, window, terms and tests", "write a document of its own")
		}
	}
}

// rewardKeys are about what is given, or to whom.
var rewardKeys = []string{"event", "who", "stores", "channels", "lines", "when", "reward", "progress", "tiers", "validity", "stacking", "priority", "funding", "holdout", "budget", "returns", "notify"}

func (w *jsonWriter) terms(t *Terms) {
	if t == nil {
		return
	}
	w.key("terms", func() {
		w.object(func() {
			w.str("wallet", t.Wallet)
			w.amount("min_purchase", t.Rules.MinPurchase)
			w.amount("min_amount", t.Rules.MinAmount)
			w.scaled("max_share", int64(t.Rules.MaxShare), 4)
			w.stores(&t.Stores)
			w.str("hold", lifetimeText(t.Rules.HoldMs))
			w.str("hold_online", lifetimeText(t.Rules.HoldOnlineMs))
			if t.Rules.Limited {
				w.raw("negative_limit", t.Rules.NegativeLimit.String())
			}
			w.str("remind", lifetimeText(t.Rules.RemindMs))
			w.str("inactivity", lifetimeText(t.Rules.IdleMs))
			w.str("claim", lifetimeText(t.ClaimMs))
		})
	})
}

// lifetimeText writes a duration in its largest whole unit; empty when there is none.
func lifetimeText(ms int64) string {
	switch {
	case ms == 0:
		return ""
	case ms%dayMs == 0:
		return itoa(ms/dayMs) + "d"
	case ms%hourMs == 0:
		return itoa(ms/hourMs) + "h"
	default:
		return itoa(ms/60_000) + "m"
	}
}

// termsSentence says what the terms are, in French or English.
func termsSentence(c *Campaign, lang string) string {
	t, w := c.Terms, english()
	fr := lang == "fr"
	if fr {
		w = french()
	}
	say := func(english, french string, args ...any) string {
		if fr {
			return fmt.Sprintf(french, args...)
		}
		return fmt.Sprintf(english, args...)
	}
	parts := []string{say("What members have is spent", "La cagnotte se dépense")}
	if t.Wallet != "" {
		parts[0] = say("What members have in the wallet %s is spent", "Le solde du porte-monnaie %s se dépense", t.Wallet)
	}
	add := func(given bool, english, french string, args ...any) {
		if given {
			parts = append(parts, say(english, french, args...))
		}
	}
	r := &t.Rules
	amount := func(a money.Amount) string {
		if t.Wallet == "" {
			return w.amount(a)
		}
		return strings.Replace(strings.TrimSuffix(a.String(), ".00"), ".", w.decimal, 1)
	}
	add(len(t.Stores.IDs) > 0, "in shops %s", "dans les magasins %s", w.some(t.Stores.IDs, w.or))
	add(len(t.Stores.Banners) > 0, "in %s shops", "dans les magasins %s", w.some(t.Stores.Banners, w.or))
	add(len(t.Stores.Countries) > 0, "in %s", "en %s", w.some(t.Stores.Countries, w.or))
	add(r.MinPurchase != 0, "on baskets from %s", "pour un panier d'au moins %s", amount(r.MinPurchase))
	add(r.MinAmount != 0, "from %s at a time", "à partir de %s à la fois", amount(r.MinAmount))
	add(r.MaxShare != 0 && r.MaxShare != money.One, "for at most %s of the basket", "pour %s du panier au plus", w.share(int64(r.MaxShare), 4))
	add(r.Limited, "down to %s below zero", "jusqu'à %s sous zéro", amount(r.NegativeLimit))
	add(r.RemindMs != 0, "with a reminder %s days before it lapses", "avec un rappel %s jours avant l'échéance", itoa(r.RemindMs/dayMs))
	add(r.IdleMs != 0, "all of it lapses %s days after the last purchase", "le tout échoit %s jours après le dernier achat", itoa(r.IdleMs/dayMs))
	add(t.ClaimMs != 0, "and receipts without a card can be claimed for %s days", "et les tickets passés sans carte se réclament pendant %s jours", itoa((t.ClaimMs+dayMs-1)/dayMs))
	return strings.Join(append(parts, w.window(&c.Window)), ", ") + "."
}
