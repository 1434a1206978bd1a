package explain

import (
	"slices"
	"strconv"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/rules"
)

// purse adds up amounts of several wallets, in the order in which they came; the currency is the wallet "".
type purse []walletAmount

type walletAmount struct {
	wallet string
	amount money.Amount
}

func (p *purse) add(wallet string, a money.Amount) {
	i := slices.IndexFunc(*p, func(w walletAmount) bool { return w.wallet == wallet })
	if i < 0 {
		*p = append(*p, walletAmount{wallet, a})
		return
	}
	(*p)[i].amount += a
}

func (p purse) of(wallet string) money.Amount {
	for _, w := range p {
		if w.wallet == wallet {
			return w.amount
		}
	}
	return 0
}

// sign is that of the first wallet with an amount, 0 when there is none.
func (p purse) sign() int {
	for _, w := range p {
		switch {
		case w.amount > 0:
			return 1
		case w.amount < 0:
			return -1
		}
	}
	return 0
}

func (p purse) abs() purse {
	out := slices.Clone(p)
	for i := range out {
		out[i].amount = out[i].amount.Abs()
	}
	return out
}

// all says every amount: €75.00 and 315 points. Nothing at all is nothing of the currency.
func (s *speaker) all(p purse) string {
	var parts []string
	for _, w := range p {
		if w.amount != 0 {
			parts = append(parts, s.value(w.amount, w.wallet))
		}
	}
	if len(parts) == 0 {
		return s.amount(0)
	}
	return s.w.list(parts)
}

// wallet is what a campaign's amounts are in.
func (s *speaker) wallet(r *rules.Result) string {
	if r.Wallet != "" {
		return r.Wallet
	}
	if doc := s.docs[docKey{r.Campaign, r.Version}]; doc != nil {
		return doc.Reward.Wallet
	}
	return ""
}

func (s *speaker) granted(r *Return) (sum purse) {
	for i := range r.Results {
		sum.add(s.wallet(&r.Results[i]), r.Results[i].Granted)
	}
	return sum
}

// of returns the sums of a wallet. The pointer holds until the next wallet comes.
func (t *Totals) of(wallet string) *Sums {
	if wallet == "" {
		return &t.Sums
	}
	for i := range t.Wallets {
		if t.Wallets[i].Wallet == wallet {
			return &t.Wallets[i].Sums
		}
	}
	t.Wallets = append(t.Wallets, WalletSums{Wallet: wallet})
	return &t.Wallets[len(t.Wallets)-1].Sums
}

// each calls f with the sums of every wallet, the currency first.
func (t *Totals) each(f func(wallet string, s *Sums)) {
	f("", &t.Sums)
	for i := range t.Wallets {
		f(t.Wallets[i].Wallet, &t.Wallets[i].Sums)
	}
}

// purse takes one figure of every wallet.
func (t *Totals) purse(figure func(*Sums) money.Amount) (out purse) {
	t.each(func(wallet string, s *Sums) { out.add(wallet, figure(s)) })
	return out
}

// totals adds up what was decided, booked and taken back.
func (s *speaker) totals() *Totals {
	f := s.f
	t := &Totals{Considered: len(f.Decision.Results), Ruleset: f.Decision.RulesetVersion}
	for i := range f.Decision.Results {
		r := &f.Decision.Results[i]
		sums := t.of(s.wallet(r))
		sums.Granted += r.Granted
		if r.Granted != 0 {
			t.Rewarded++
		}
		if r.Outcome == rules.HeldOut {
			sums.HeldOut += r.Desired
		}
	}
	for i := range f.Returns {
		for _, w := range s.granted(&f.Returns[i]) {
			t.of(w.wallet).TakenBack -= w.amount
		}
	}
	for i := range f.Entries {
		if e := &f.Entries[i]; e.Receipt == f.ReceiptID && e.Receipt != "" {
			t.of(e.Wallet).Booked += e.Amount
		}
	}
	t.each(func(_ string, sums *Sums) {
		sums.Standing = sums.Granted - sums.TakenBack
		t.Unbooked = t.Unbooked || sums.Booked != sums.Granted
	})
	return t
}

// sums says what was granted, what came back, and what the comparison groups would have had.
func (s *speaker) sums(t *Totals) []string {
	granted := t.purse(func(x *Sums) money.Amount { return x.Granted })
	taken := t.purse(func(x *Sums) money.Amount { return x.TakenBack })
	heldOut := t.purse(func(x *Sums) money.Amount { return x.HeldOut })
	var out []string
	if t.Considered > 0 {
		out = append(out, s.w.count(s.sumKey(granted), int64(t.Considered), "granted", s.all(granted), "taken", s.all(granted.abs()), "rewarded", strconv.Itoa(t.Rewarded)))
	}
	if n := int64(len(s.f.Returns)); n > 0 && taken.sign() != 0 {
		standing := t.purse(func(x *Sums) money.Amount { return x.Standing })
		out = append(out, s.w.count("standing", n, "taken", s.all(taken), "standing", s.all(standing)))
	} else if n > 0 {
		out = append(out, s.w.count("standing.same", n))
	}
	if heldOut.sign() > 0 && !s.f.givesBack() {
		out = append(out, s.w.say("heldout", "amount", s.all(heldOut)))
	}
	if t.Unbooked {
		out = append(out, s.w.say("booked.differs", "booked", s.all(t.purse(func(x *Sums) money.Amount { return x.Booked }))))
	}
	return out
}

// sumKey is the text for what a receipt came to.
func (s *speaker) sumKey(granted purse) string {
	switch sign := granted.sign(); {
	case s.f.givesBack() && sign > 0:
		return "taken.more"
	case s.f.givesBack() && sign == 0:
		return "taken.none"
	case s.f.givesBack():
		return "taken"
	case sign == 0:
		return "granted.none"
	}
	return "granted"
}
