package backtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// What a campaign sends to another account (a referral to the referrer, a sale to whom was at the till) is an event of that account, at the receipt's
// close. Accounts lie with workers, and a receiver's own receipts are read in between: so events wait until the archive has been read, and are judged
// then, each account's in the order of close and id. Conditions ask for the facts of the close, caps for its period, so that coming late changes nothing;
// see the README for where it could. The same order holds for any number of workers.

// Sent is what campaigns sent to other accounts, the drafts and those beside them, and what became of it.
type Sent struct {
	Events  int64 `json:"events"`  // of sales
	Returns int64 `json:"returns"` // of events, because goods came back
	Unheard int64 `json:"unheard"` // no campaign is about the kind
	Nobody  int64 `json:"nobody"`  // no referrer or operator is known: not sent
	Known   int64 `json:"known"`   // the archive has the event already: it was sent when it happened
	Chained int64 `json:"chained"` // sent because of events over and over: not followed any further

	Statement Text `json:"statement"`
}

func (s *Sent) add(o *Sent) {
	s.Events, s.Returns, s.Unheard = s.Events+o.Events, s.Returns+o.Returns, s.Unheard+o.Unheard
	s.Nobody, s.Known, s.Chained = s.Nobody+o.Nobody, s.Known+o.Known, s.Chained+o.Chained
}

// told is what the report says; nil when nothing was to be sent.
func (s Sent) told() *Sent {
	if s == (Sent{}) {
		return nil
	}
	inEN, inFR := writerIn("", "", "en"), writerIn("", "", "fr")
	en := fmt.Sprintf("The campaigns send %s to other accounts, %s for returns; they are judged at the close of the receipt that caused them.", inEN.several(s.Events+s.Returns, "event"), inEN.n(s.Returns))
	fr := fmt.Sprintf("Les campagnes envoient %s à d'autres comptes, dont %s pour des retours ; ils sont jugés à la clôture du ticket qui les cause.", inFR.several(s.Events+s.Returns, "événement"), inFR.n(s.Returns))
	for _, x := range []struct {
		n      int64
		en, fr string
	}{
		{s.Unheard, "%s concern no campaign that is simulated here.", "%s ne concernent aucune campagne simulée ici."},
		{s.Nobody, "%s are not sent: no referrer or operator is known.", "%s ne sont pas envoyés : ni parrain ni vendeur connu."},
		{s.Known, "%s are in the archive already and are not sent again.", "%s sont déjà dans l'archive et ne sont pas renvoyés."},
		{s.Chained, "%s come of events over and over and are not followed.", "%s découlent d'événements en chaîne et ne sont pas suivis."},
	} {
		if x.n > 0 {
			en, fr = en+" "+fmt.Sprintf(x.en, inEN.n(x.n)), fr+" "+fmt.Sprintf(x.fr, inFR.n(x.n))
		}
	}
	s.Statement = Text{EN: en, FR: fr}
	return &s
}

// maxChain is how often events may send events in turn.
const maxChain = 8

// sending is an event on its way: what it takes to build it, a fifth of its size.
type sending struct {
	world                       int
	campaign                    string
	emit                        rules.Emission
	from, to                    retail.AccountID
	id, original                retail.ReceiptID // of the receipt that sends it
	shop                        retail.Shop
	terminal, program, currency string
	at                          retail.Instant
	offset                      int32
	channel                     retail.Channel
	back                        bool
}

// send notes an event for another account, as the pipeline produces one.
func (w *worker) send(r *retail.Receipt, m *member, number int, res *rules.Result, fp *rules.Footprint) {
	if res.Emit.Kind == "" || res.Emit.Net == 0 && res.Emit.Pieces == 0 {
		return
	}
	to := res.Emit.Receiver(m.profile.Referrer, fp)
	if to == "" {
		w.countSent(number, func(s *Sent) { s.Nobody++ })
		return
	}
	t := func(s string) string { return w.text(s) }
	x := sending{
		world: number, from: retail.AccountID(t(string(r.Loyalty.AccountID))), to: retail.AccountID(t(string(to))), id: retail.ReceiptID(strings.Clone(string(r.ID))),
		shop:     retail.Shop{ID: retail.ShopID(t(string(r.Shop.ID))), GLN: t(r.Shop.GLN), Banner: t(r.Shop.Banner), Country: t(r.Shop.Country)},
		terminal: t(r.TerminalID), program: t(r.Loyalty.ProgramID), currency: t(r.Currency), at: r.EndedAt, offset: r.UTCOffsetMin, channel: r.Channel, back: givesBack(r),
	}
	x.campaign, x.emit = res.Campaign, res.Emit
	if x.back {
		x.original = retail.ReceiptID(strings.Clone(string(r.OriginalID())))
	}
	w.outbox = append(w.outbox, x)
}

// text keeps one copy of what comes again and again.
func (w *worker) text(s string) string {
	if own, ok := w.texts[s]; ok {
		return own
	}
	own := strings.Clone(s)
	w.texts[own] = own
	return own
}

// countSent counts in the world that is reported.
func (w *worker) countSent(number int, count func(*Sent)) {
	if number == with {
		count(&w.tally.sent)
	}
}

// event builds it as the pipeline does.
func (x *sending) event() *retail.Receipt {
	source := retail.Receipt{
		ID: x.id, Type: retail.Sale, Shop: x.shop, TerminalID: x.terminal, EndedAt: x.at, UTCOffsetMin: x.offset, Channel: x.channel, Currency: x.currency,
		Loyalty: retail.Loyalty{AccountID: x.from, ProgramID: x.program},
	}
	if x.back {
		source.Type, source.Original = retail.Return, retail.Original{Given: true, ReceiptID: x.original}
	}
	result := rules.Result{Campaign: x.campaign, Emit: x.emit}
	return result.Event(&source, x.from, x.to)
}

// deliver judges what was sent, and what that sends in turn.
func (j *job) deliver(workers []*worker) error {
	for range maxChain {
		lists, any := inboxes(workers)
		if !any {
			return nil
		}
		failed := make([]error, len(workers))
		var wg sync.WaitGroup
		for i, w := range workers {
			wg.Go(func() { failed[i] = w.receiveAll(lists[i]) })
		}
		wg.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	for _, w := range workers {
		for i := range w.outbox {
			w.countSent(w.outbox[i].world, func(s *Sent) { s.Chained++ })
		}
	}
	return nil
}

// inboxes empties the outboxes into the lists of those who have the receivers.
func inboxes(workers []*worker) (lists [][]sending, any bool) {
	lists = make([][]sending, len(workers))
	for _, w := range workers {
		for _, x := range w.outbox {
			n := workerOfAccount(x.to, len(workers))
			lists[n], any = append(lists[n], x), true
		}
		w.outbox = nil
	}
	for _, l := range lists {
		slices.SortFunc(l, func(a, b sending) int {
			return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.campaign, b.campaign), cmp.Compare(a.world, b.world))
		})
	}
	return lists, any
}

func (w *worker) receiveAll(list []sending) error {
	for i := range list {
		if err := w.receive(list[i].world, list[i].event()); err != nil {
			return err
		}
	}
	return nil
}

// receive judges an event, or the return of one, in the world that it was sent in.
func (w *worker) receive(number int, r *retail.Receipt) error {
	back := r.Type == retail.Return
	w.countSent(number, func(s *Sent) {
		if back {
			s.Returns++
		} else {
			s.Events++
		}
	})
	key, scratch := placeKey(w.scratch, r.Loyalty.AccountID, r.ID)
	w.scratch = scratch
	if p := w.places[key]; p.seen && w.heard[key] == 0 {
		w.countSent(number, func(s *Sent) { s.Known++ })
		return nil
	}
	w.heard[key] |= 1 << number
	if back {
		return w.receiveBack(number, r)
	}
	x := w.worlds[number]
	if !x.evaluator.Concerns(x.rules, r) {
		w.countSent(number, func(s *Sent) { s.Unheard++ })
		return nil
	}
	p := w.places[key]
	p.seen = true
	w.reward.begin()
	err := w.judgeIn(number, r, w.member(r.Loyalty.AccountID), &p)
	w.places[key] = p
	w.rewarded(r)
	return err
}

// receiveBack takes the return of an event off it; of an event that nobody heard there is nothing to take.
func (w *worker) receiveBack(number int, r *retail.Receipt) error {
	key, scratch := placeKey(w.scratch, r.Loyalty.AccountID, r.Original.ReceiptID)
	w.scratch = scratch
	p := w.places[key]
	if !p.seen || p.at[number] == 0 {
		return nil
	}
	w.reward.begin()
	err := w.returnIn(number, r, w.member(r.Loyalty.AccountID), &p)
	w.places[key] = p
	if w.reward.amount != 0 {
		w.tally.top.change(r.Loyalty.AccountID, r.Original.ReceiptID, w.reward.amount)
	}
	return err
}
