package explain

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// ErrLanguage says that explanations are not given in the language asked for.
var ErrLanguage = errors.New("explanations are in fr and en")

// Explainer holds the texts of all languages. Safe for concurrent use.
type Explainer struct{ languages map[string]*words }

// New loads the texts.
func New() (*Explainer, error) {
	e := &Explainer{languages: map[string]*words{}}
	for _, lang := range []string{French, English} {
		w, err := loadWords(lang)
		if err != nil {
			return nil, err
		}
		e.languages[lang] = w
	}
	return e, nil
}

// Explain puts the facts into words.
func (e *Explainer) Explain(f *Facts, lang string) (*Explanation, error) {
	w := e.languages[lang]
	if w == nil {
		return nil, fmt.Errorf("%w, not in %q", ErrLanguage, lang)
	}
	s := newSpeaker(w, f)
	x := &Explanation{Lang: lang, ReceiptID: string(f.ReceiptID), Status: f.status(), words: w}
	if f.Receipt != nil {
		x.Receipt = s.head(f.Receipt)
		x.Summary = append(x.Summary, s.headline(f.Receipt), s.member(f.Receipt))
	}
	if f.Decision != nil {
		x.Totals = s.totals()
		x.Campaigns = s.campaigns(f.Decision.Results)
		x.Summary = append(x.Summary, s.sums(x.Totals)...)
	}
	x.Summary = append(x.Summary, s.circumstances(x.Status)...)
	for i := range f.Entries {
		x.Entries = append(x.Entries, s.entry(&f.Entries[i]))
	}
	for i := range f.Returns {
		x.Returns = append(x.Returns, s.later(&f.Returns[i]))
	}
	for i := range f.Letters {
		x.Refusals = append(x.Refusals, s.refusal(&f.Letters[i]))
	}
	return x, nil
}

// status is what is known about the receipt, in one word.
func (f *Facts) status() Status {
	switch {
	case f.Receipt == nil && f.Decision == nil && f.Waiting != nil:
		return Pending
	case f.Receipt == nil && f.Decision == nil && len(f.Letters) > 0:
		return Refused
	case f.Receipt == nil && f.Decision == nil:
		return Unknown
	case f.Receipt != nil && f.Receipt.Training:
		return Training
	case f.Decision != nil && len(f.Decision.Results) > 0:
		return Decided
	case f.Receipt != nil && (f.Waiting != nil || f.Processed >= 0 && f.Processed <= f.Receipt.Offset):
		return Pending
	}
	return NoCampaign
}

// givesBack reports whether the receipt is a return or a void, whose results are changes.
func (f *Facts) givesBack() bool {
	return f.Receipt != nil && (f.Receipt.Type == retail.Return || f.Receipt.Type == retail.Void)
}

// speaker puts one receipt's facts into one language.
type speaker struct {
	w        *words
	f        *Facts
	currency string
	shop     *time.Location // where the receipt was closed
	docs     map[docKey]*rules.Campaign
	zones    map[string]*time.Location
}

type docKey struct {
	id      string
	version int32
}

func newSpeaker(w *words, f *Facts) *speaker {
	s := &speaker{w: w, f: f, shop: time.UTC, docs: map[docKey]*rules.Campaign{}, zones: map[string]*time.Location{}}
	if f.Receipt != nil {
		s.currency, s.shop = f.Receipt.Currency, offsetZone(f.Receipt.UTCOffsetMin)
	}
	for _, c := range f.Campaigns {
		s.docs[docKey{c.ID, c.Version}] = c
	}
	return s
}

func offsetZone(minutes int32) *time.Location { return time.FixedZone("", int(minutes)*60) }

// zone is where a campaign's calendar is; the shop's when its document is not known.
func (s *speaker) zone(c *rules.Campaign) *time.Location {
	if c == nil {
		return s.shop
	}
	if loc := s.zones[c.Window.TZ]; loc != nil {
		return loc
	}
	loc, err := time.LoadLocation(c.Window.TZ)
	if err != nil {
		loc = s.shop
	}
	s.zones[c.Window.TZ] = loc
	return loc
}

func (s *speaker) amount(a money.Amount) string { return s.w.amount(a, s.currency) }

// value writes an amount of a wallet: of the currency, or 315 points.
func (s *speaker) value(a money.Amount, wallet string) string {
	if wallet == "" {
		return s.amount(a)
	}
	return s.w.inWallet(a, wallet)
}

func (s *speaker) head(h *Head) *Receipt {
	return &Receipt{
		Type: h.Type.String(), Event: h.Event, StoreID: string(h.Shop), Channel: h.Channel.String(), EndedAt: stamp(h.EndedAt, s.shop), ReceivedAt: stamp(h.ReceivedAt, time.UTC),
		Currency: h.Currency, Total: h.Total, Member: Mask(h.Account), OriginalID: string(h.Original), Partition: h.Partition, Offset: h.Offset,
	}
}

func (s *speaker) headline(h *Head) string {
	total := h.Total
	if s.f.givesBack() {
		total = total.Abs() // its kind says that it goes back
	}
	return s.w.say("head."+h.Type.String(), "event", h.Event, "total", s.amount(total), "shop", string(h.Shop),
		"channel", s.w.say("channel."+h.Channel.String()), "time", s.w.moment(h.EndedAt, s.shop))
}

func (s *speaker) member(h *Head) string {
	if h.Account == "" {
		return s.w.say("member.anonymous")
	}
	return s.w.say("member.known", "member", Mask(h.Account))
}

// circumstances says what is not a matter of campaigns.
func (s *speaker) circumstances(status Status) (out []string) {
	f := s.f
	switch {
	case status == Pending && f.Waiting != nil:
		out = append(out, s.waiting(f.Waiting))
	case status == NoCampaign && f.givesBack(): // its original says why
	case status == Decided:
	default:
		out = append(out, s.w.say("status."+string(status)))
	}
	if f.givesBack() && status != Pending && status != Training {
		out = append(out, s.original(status))
	}
	if f.Copies > 0 {
		out = append(out, s.w.count("copies", int64(f.Copies)))
	}
	if status != Refused && len(f.Letters) > 0 {
		out = append(out, s.w.say("status.refused.also"))
	}
	return out
}

func (s *speaker) waiting(w *Waiting) string {
	return s.w.count("status.waiting", w.Ahead, "time", s.w.moment(w.Since, time.UTC), "partition", strconv.Itoa(int(w.Partition)), "offset", strconv.FormatInt(w.Offset, 10))
}

// original says what a return is about.
func (s *speaker) original(status Status) string {
	h, o := s.f.Receipt, s.f.Original
	switch {
	case h.Original == "":
		return s.w.say("original.none")
	case o == nil:
		return s.w.say("original.unknown", "original", string(h.Original))
	case status == NoCampaign:
		return s.w.say("original.nothing")
	}
	return s.w.say("original.known", "original", string(o.ID), "time", s.w.moment(o.EndedAt, offsetZone(o.UTCOffsetMin)), "total", s.amount(o.Total))
}

// campaigns tells each campaign's part, those that moved money first.
func (s *speaker) campaigns(results []rules.Result) []Campaign {
	out := make([]Campaign, 0, len(results))
	for i := range results {
		out = append(out, s.campaign(&results[i]))
	}
	slices.SortStableFunc(out, func(a, b Campaign) int { return idle(a.Granted) - idle(b.Granted) })
	return out
}

func idle(granted money.Amount) int {
	if granted == 0 {
		return 1
	}
	return 0
}

func (s *speaker) entry(e *ledger.Entry) Entry {
	doc := s.docs[docKey{e.Campaign, e.CampaignVersion}]
	kind := strings.ToUpper(e.Kind.String())
	key := "entry." + kind
	if e.Kind == ledger.Earn && e.ActiveFrom > e.At {
		key += ".pending"
	}
	what := s.w.say(key, "campaign", s.name(doc, e.Campaign), "amount", s.value(e.Amount.Abs(), e.Wallet))
	if reason := s.w.first("reason." + e.Reason); reason != "" {
		what += " " + s.w.say(reason)
	}
	loc := s.zone(doc)
	return Entry{
		Seq: e.Seq, Kind: kind, Campaign: e.Campaign, Wallet: e.Wallet, Amount: e.Amount, At: stamp(e.At, loc), Pending: e.PendingAfter, Available: e.AvailableAfter, Reason: e.Reason,
		Text: s.w.say("entry.line", "seq", strconv.FormatUint(e.Seq, 10), "time", s.w.moment(e.At, loc), "what", what,
			"pending", s.value(e.PendingAfter, e.Wallet), "available", s.value(e.AvailableAfter, e.Wallet)),
	}
}

func (s *speaker) later(r *Return) ReturnPart {
	granted, key := s.granted(r), "return.line"
	switch granted.sign() {
	case 0:
		key += ".none"
	case 1:
		key += ".more"
	}
	loc := offsetZone(r.UTCOffsetMin)
	return ReturnPart{
		ReceiptID: string(r.ID), Type: r.Type.String(), EndedAt: stamp(r.EndedAt, loc), Granted: granted.of(""),
		Text: s.w.say(key, "type", s.w.say("type."+r.Type.String()), "id", string(r.ID), "time", s.w.moment(r.EndedAt, loc),
			"taken", s.all(granted.abs()), "granted", s.all(granted)),
	}
}

func (s *speaker) refusal(l *Letter) Refusal {
	code := string(l.Code)
	if !s.w.has("remedy." + code) {
		code = "unknown"
	}
	place, key := "", "refusal.text"
	if l.Path != "" {
		place = s.w.say("refusal.place", "path", l.Path)
	}
	if l.Detail == "" {
		key += ".plain"
	}
	label := s.w.say("code." + code)
	return Refusal{
		Code: string(l.Code), Label: label, Path: l.Path, Detail: l.Detail, Hint: l.Hint, ReceivedAt: stamp(l.ReceivedAt, time.UTC), Partition: l.Partition, Offset: l.Offset,
		Text:   s.w.say(key, "code", string(l.Code), "label", label, "time", s.w.moment(l.ReceivedAt, time.UTC), "place", place, "detail", l.Detail),
		Remedy: s.w.say("remedy." + code),
	}
}
