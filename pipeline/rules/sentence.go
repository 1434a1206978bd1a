package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Sentence says what a campaign does in one readable sentence, in French ("fr") or English (any other language). It is made from the typed
// document, so that it cannot say anything else than what runs.
func Sentence(c *Campaign, lang string) string {
	if c.Terms != nil {
		return termsSentence(c, lang)
	}
	w := english()
	if lang == "fr" {
		w = french()
	}
	w.into = c.Reward.Wallet
	parts := append([]string{w.reward(c) + w.scope(c)}, w.accompany(&c.Reward)...)
	parts = append(parts, w.audience(c)...)
	parts = append(parts, w.conditions(&c.When)...)
	parts = append(parts, w.caps(&c.Reward)...)
	parts = append(parts, w.places(c)...)
	parts = append(parts, w.window(&c.Window))
	if !c.Tiers.given() && c.Reward.Valued() {
		parts = append(parts, w.validity(c)...)
	}
	parts = append(parts, w.rest(c)...)
	s := strings.Join(parts, ", ") + "."
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// words is one language. Formats take what their names say, in order.
type words struct {
	decimal, currency, percent                                        string
	back, fixed, perUnit, step, ladder                                string
	onAll, on, brand, product, department, except, and, or            string
	minSpend, minPieces, minBasket                                    string
	perReceipt, perMember                                             string
	periods                                                           [5]string
	shops, banners, countries, channels                               string
	fromTo, from, hours, weekdays                                     string
	days                                                              [7]string
	months                                                            [12]string
	spendableAtOnce, spendableAfter, hour, day, lapsesAfter, lapsesOn string
	everyFixed                                                        string
	every                                                             [2]string
	best, first, funded, holdout                                      string
	firstOfMonth                                                      string
	more                                                              phrases
	gifts                                                             giftWords
	into                                                              string // the wallet that rewards go to
	goals                                                             goals
}

func english() *words {
	return &words{
		decimal: ".", currency: "€%s", percent: "%s %%",
		back: "%s back", fixed: "%s back", perUnit: "%s back per piece", step: "%s from %s", ladder: "back: %s",
		onAll: " on everything", on: " on %s", brand: "brand %s", product: "product %s", department: "department %s", except: " except %s", and: " and ", or: " or ",
		minSpend: "from %s of these products", minPieces: "from %d pieces", minBasket: "on baskets from %s",
		perReceipt: "at most %s per receipt", perMember: "at most %s per member%s",
		periods: [5]string{" in all", " and day", " and week", " and month", " and year"},
		shops:   "in shops %s", banners: "in %s shops", countries: "in %s", channels: "through %s",
		fromTo: "from %s to %s", from: "from %s", hours: "between %s and %s", weekdays: "on %s",
		days:            [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"},
		months:          [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		spendableAtOnce: "spendable at once", spendableAfter: "spendable after %s", hour: "%d hours", day: "%d days",
		lapsesAfter: "valid for %d days to the end of the month", lapsesOn: "lost on %s %s of the next year",
		best: "the best of the group “%s” counts", first: "the first of the group “%s” counts", funded: "paid by %s", holdout: "%s of the members are held out to measure the effect",
		firstOfMonth: "1", more: englishPhrases(), gifts: englishGifts(), goals: englishGoals(),
		everyFixed: "%s back for every %d pieces", every: [2]string{"%s of the cheapest of every %d pieces back", "%s of the dearest of every %d pieces back"},
	}
}

func french() *words {
	return &words{
		decimal: ",", currency: "%s €", percent: "%s %%",
		back: "%s remboursés", fixed: "%s remboursés", perUnit: "%s remboursés par pièce", step: "%s dès %s", ladder: "remboursés : %s",
		onAll: " sur tout", on: " sur %s", brand: "la marque %s", product: "le produit %s", department: "le rayon %s", except: " sauf %s", and: " et ", or: " ou ",
		minSpend: "dès %s de ces produits", minPieces: "dès %d pièces", minBasket: "pour un panier d'au moins %s",
		perReceipt: "%s au plus par ticket", perMember: "%s au plus par membre%s",
		periods: [5]string{" en tout", " et par jour", " et par semaine", " et par mois", " et par an"},
		shops:   "dans les magasins %s", banners: "dans les magasins %s", countries: "en %s", channels: "par %s",
		fromTo: "du %s au %s", from: "à partir du %s", hours: "de %s à %s", weekdays: "le %s",
		days:            [7]string{"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"},
		months:          [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		spendableAtOnce: "utilisables tout de suite", spendableAfter: "utilisables après %s", hour: "%d heures", day: "%d jours",
		lapsesAfter: "valables %d jours jusqu'à la fin du mois", lapsesOn: "perdus le %s %s de l'année suivante",
		best: "la meilleure offre du groupe « %s » compte", first: "la première offre du groupe « %s » compte", funded: "financé par %s", holdout: "%s des membres sont écartés pour mesurer l'effet",
		firstOfMonth: "1er", more: frenchPhrases(), gifts: frenchGifts(), goals: frenchGoals(),
		everyFixed: "%s remboursés par lot de %d pièces", every: [2]string{"%s de la moins chère de chaque lot de %d pièces remboursés", "%s de la plus chère de chaque lot de %d pièces remboursés"},
	}
}

func (w *words) amount(a money.Amount) string {
	s := strings.TrimSuffix(a.String(), ".00")
	return fmt.Sprintf(w.currency, strings.Replace(s, ".", w.decimal, 1))
}

func (w *words) share(scaled int64, decimals int) string {
	return fmt.Sprintf(w.percent, strings.Replace(formatScaled(scaled, decimals), ".", w.decimal, 1))
}

func (w *words) date(t time.Time) string {
	return fmt.Sprintf("%s %s %d", w.dayOfMonth(t.Day()), w.months[t.Month()-1], t.Year())
}

func (w *words) dayOfMonth(d int) string {
	if d == 1 {
		return w.firstOfMonth
	}
	return strconv.Itoa(d)
}

func (w *words) reward(c *Campaign) string {
	r := &c.Reward
	switch {
	case c.Tiers.given():
		return w.ranks(&c.Tiers)
	case c.Progress.given():
		return w.achieved(c)
	case r.Every != 0 && r.Fixed != 0:
		return fmt.Sprintf(w.everyFixed, w.gain(r.Fixed), r.Every)
	case r.Every != 0:
		return fmt.Sprintf(w.every[r.Pick&1], w.share(int64(r.Percent), 4), r.Every)
	case r.Percent != 0:
		return fmt.Sprintf(w.back, w.share(int64(r.Percent), 4))
	case r.Fixed != 0:
		return fmt.Sprintf(w.fixed, w.gain(r.Fixed))
	case r.PerUnit != 0:
		return fmt.Sprintf(w.perUnit, w.gain(r.PerUnit))
	case len(r.Ladder) == 0:
		return w.gift(r)
	}
	var steps []string
	for _, s := range r.Ladder {
		steps = append(steps, fmt.Sprintf(w.step, w.gain(s.Get), w.amount(s.Spend)))
	}
	return fmt.Sprintf(w.ladder, strings.Join(steps, ", "))
}

// scope says on what a campaign gives; objectives have said it, each of its own.
func (w *words) scope(c *Campaign) string {
	lines := w.lines(&c.Lines)
	if len(c.Progress.Objectives) > 0 || c.Tiers.given() && lines == w.onAll {
		return "" // levels count what is bought unless they say otherwise
	}
	return lines
}

func (w *words) lines(s *Selector) string {
	out := w.onAll
	if what := w.products(&s.Include, w.and); what != "" {
		out = fmt.Sprintf(w.on, what)
	}
	if not := w.products(&s.Exclude, w.or); not != "" {
		out += fmt.Sprintf(w.except, not)
	}
	return out
}

// products lists the keys; glue joins the kinds: of an inclusion all must hold, of an exclusion any.
func (w *words) products(k *LineKeys, glue string) string {
	var kinds []string
	add := func(format string, values []string) {
		if len(values) > 0 {
			kinds = append(kinds, fmt.Sprintf(format, w.some(values, w.or)))
		}
	}
	add("%s", k.Category)
	add(w.brand, k.Brand)
	add(w.product, k.GTIN)
	add(w.product, k.SKU)
	add(w.department, k.Department)
	add(w.more.label, k.Label)
	return strings.Join(kinds, glue)
}

// some joins values; of a long list it says the first and how many more.
func (w *words) some(values []string, glue string) string {
	const most = 6
	if len(values) > most {
		return strings.Join(values[:most], ", ") + fmt.Sprintf(" (+%d)", len(values)-most)
	}
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:len(values)-1], ", ") + glue + values[len(values)-1]
}

func (w *words) conditions(c *When) []string {
	var out []string
	if c.MinSpend != 0 {
		out = append(out, fmt.Sprintf(w.minSpend, w.amount(c.MinSpend)))
	}
	if c.MinQuantity != 0 {
		out = append(out, fmt.Sprintf(w.minPieces, c.MinQuantity))
	}
	if c.MinBasket != 0 {
		out = append(out, fmt.Sprintf(w.minBasket, w.amount(c.MinBasket)))
	}
	if len(c.Coupon) > 0 {
		out = append(out, fmt.Sprintf(w.more.coupon, w.some(c.Coupon, w.or)))
	}
	if c.CEL != "" {
		out = append(out, fmt.Sprintf(w.more.expert, strings.Join(strings.Fields(c.CEL), " ")))
	}
	return out
}

func (w *words) caps(r *Reward) []string {
	var out []string
	if r.MaxPerReceipt != 0 {
		out = append(out, fmt.Sprintf(w.perReceipt, w.gain(r.MaxPerReceipt)))
	}
	if m := r.MaxPerMember; m.Amount != 0 {
		out = append(out, fmt.Sprintf(w.perMember, w.gain(m.Amount), w.periods[m.Per]))
	}
	return out
}

func (w *words) places(c *Campaign) []string {
	var out []string
	add := func(format string, values []string) {
		if len(values) > 0 {
			out = append(out, fmt.Sprintf(format, w.some(values, w.or)))
		}
	}
	add(w.shops, c.Stores.IDs)
	add(w.banners, c.Stores.Banners)
	add(w.countries, c.Stores.Countries)
	add(w.more.shopsNot, c.Stores.ExcludeIDs)
	add(w.channels, symbols(c.Channels))
	return out
}

func (w *words) window(win *Window) string {
	loc, err := loadZone(win.TZ)
	if err != nil {
		loc = time.UTC
	}
	day := func(t retail.Instant) string { return w.date(time.UnixMilli(int64(t)).In(loc)) }
	out := fmt.Sprintf(w.from, day(win.From))
	if win.To != 0 {
		out = fmt.Sprintf(w.fromTo, day(win.From), day(win.To-1))
	}
	var days []string
	for i, d := range w.days {
		if win.Weekdays&(1<<i) != 0 {
			days = append(days, d)
		}
	}
	if len(days) > 0 {
		out += ", " + fmt.Sprintf(w.weekdays, w.some(days, w.and))
	}
	if win.Hours != (Hours{}) {
		out += " " + fmt.Sprintf(w.hours, clockText(win.Hours.From), clockText(win.Hours.To))
	}
	return out
}

func (w *words) validity(c *Campaign) []string {
	v := &c.Validity
	out := []string{w.spendableAtOnce}
	switch {
	case v.PendingMs == 0:
	case v.PendingMs%dayMs == 0 && v.PendingMs > 3*dayMs:
		out[0] = fmt.Sprintf(w.spendableAfter, fmt.Sprintf(w.day, v.PendingMs/dayMs))
	default:
		out[0] = fmt.Sprintf(w.spendableAfter, fmt.Sprintf(w.hour, v.PendingMs/hourMs))
	}
	if v.ExpireDays != 0 {
		out = append(out, fmt.Sprintf(w.lapsesAfter, v.ExpireDays))
	}
	if v.byCalendar() {
		out = append(out, fmt.Sprintf(w.lapsesOn, w.dayOfMonth(int(v.ExpireDay)), w.months[v.ExpireMonth-1]))
	}
	return out
}

func (w *words) rest(c *Campaign) []string {
	var out []string
	switch c.Stacking.Mode {
	case BestForMember:
		out = append(out, fmt.Sprintf(w.best, c.Stacking.Group))
	case First:
		out = append(out, fmt.Sprintf(w.first, c.Stacking.Group))
	}
	if len(c.Funding) > 1 || c.Funding[0].Party != DefaultFunder {
		var who []string
		for _, f := range c.Funding {
			who = append(who, f.Party+" "+w.share(int64(f.Rate), 4))
		}
		out = append(out, fmt.Sprintf(w.funded, w.some(who, w.and)))
	}
	out = append(out, w.budget(c)...)
	if c.HoldoutBP != 0 {
		out = append(out, fmt.Sprintf(w.holdout, w.share(int64(c.HoldoutBP), 2)))
	}
	return out
}
