package ledger

import (
	"errors"
	"fmt"
	"slices"

	"cagnotte/pipeline/money"
)

// Check returns what is wrong with the account, nil when its invariants hold: lots positive, in order, without repeats; Pending and
// Available of each wallet equal to their lots and the deficit; wallets, holds and progress in order; not too many recent ids.
func (a *Account) Check() error {
	if err := a.Purse.check(); err != nil {
		return err
	}
	for i := range a.Wallets {
		w := &a.Wallets[i]
		if !walletName(w.Name) || i > 0 && a.Wallets[i-1].Name >= w.Name {
			return fmt.Errorf("wallet %d has no name or is out of order", i)
		}
		if err := w.Purse.check(); err != nil {
			return fmt.Errorf("wallet %s: %w", w.Name, err)
		}
	}
	if err := a.checkHolds(); err != nil {
		return err
	}
	for i := range a.Progress {
		if i > 0 && compareProgress(a.Progress[i-1], a.Progress[i]) >= 0 || a.Progress[i].Used < 0 {
			return fmt.Errorf("progress %d is out of order or negative", i)
		}
	}
	if len(a.Recent) > maxRecentRead {
		return fmt.Errorf("%d recent receipts, at most %d are kept", len(a.Recent), maxRecentRead)
	}
	return nil
}

func (p *Purse) check() error {
	var pending, available money.Amount
	for i := range p.Lots {
		l := &p.Lots[i]
		if l.Remaining <= 0 || l.Remaining > money.Max || l.ActiveFrom < 0 || l.ExpiresAt < 0 {
			return fmt.Errorf("lot %d is out of range", i)
		}
		if l.Active != (l.ActiveFrom == 0) {
			return fmt.Errorf("lot %d is active and pending", i)
		}
		if i > 0 && compareLots(&p.Lots[i-1], l) >= 0 {
			return fmt.Errorf("lot %d is out of order", i)
		}
		if l.Active {
			available += l.Remaining
		} else {
			pending += l.Remaining
		}
		if available > money.Max || pending > money.Max {
			return errors.New("lots sum to more than an amount can be")
		}
	}
	if p.Pending != pending {
		return fmt.Errorf("pending is %v, its lots are %v", p.Pending, pending)
	}
	if max(p.Available, 0) != available || p.Available < money.Min {
		return fmt.Errorf("available is %v, its lots are %v", p.Available, available)
	}
	if p.RemindMs < 0 || p.RemindedTo < 0 {
		return errors.New("the reminder is out of range")
	}
	if p.IdleMs < 0 || p.UsedAt < 0 || p.IdleMs == 0 && p.UsedAt != 0 {
		return errors.New("the last activity is out of range")
	}
	return nil
}

// checkHolds: in order, of wallets with a name, each of positive parts.
func (a *Account) checkHolds() error {
	if len(a.Holds) > maxHolds {
		return fmt.Errorf("%d holds, at most %d can be open", len(a.Holds), maxHolds)
	}
	for i := range a.Holds {
		h := &a.Holds[i]
		if h.ID == "" || h.ExpiresAt <= 0 || i > 0 && compareHolds(&a.Holds[i-1], h) >= 0 {
			return fmt.Errorf("hold %d has no id, no end, or is out of order", i)
		}
		if h.Wallet != "" && !walletName(h.Wallet) || len(h.Parts) == 0 || !slices.IsSortedFunc(h.Parts, compareParts) {
			return fmt.Errorf("hold %s has no parts, or they are out of order", h.ID)
		}
		for _, p := range h.Parts {
			if p.Amount <= 0 || p.Amount > money.Max || p.ExpiresAt < 0 {
				return fmt.Errorf("a part of hold %s is out of range", h.ID)
			}
		}
	}
	return nil
}
