package ledger

import (
	"cmp"
	"slices"
)

// maxWalletName is the length of a wallet's name.
const maxWalletName = 32

// ValidWallet reports whether a text can name a wallet: 1 to 32 of a-z, 0-9 and hyphen.
func ValidWallet(name string) bool { return walletName(name) }

func walletName(name string) bool {
	if name == "" || len(name) > maxWalletName {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Of returns the purse of a wallet, for reading; nil when nothing ever happened in it. The empty name is the programme's currency.
func (a *Account) Of(wallet string) *Purse {
	if wallet == "" {
		return &a.Purse
	}
	if i, found := a.findWallet(wallet); found {
		return &a.Wallets[i].Purse
	}
	return nil
}

// purse returns the purse of a wallet, which is opened when it is the first time. It is valid until another one is opened.
func (a *Account) purse(wallet string) *Purse {
	if wallet == "" {
		return &a.Purse
	}
	i, found := a.findWallet(wallet)
	if !found {
		if !walletName(wallet) {
			panic("ledger: not a wallet: " + wallet)
		}
		a.Wallets = slices.Insert(a.Wallets, i, Wallet{Name: wallet})
	}
	return &a.Wallets[i].Purse
}

func (a *Account) findWallet(wallet string) (int, bool) {
	return slices.BinarySearchFunc(a.Wallets, wallet, func(w Wallet, name string) int { return cmp.Compare(w.Name, name) })
}
