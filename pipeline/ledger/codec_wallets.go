package ledger

import (
	"encoding/binary"
	"fmt"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

const (
	minWalletBytes = 1 + 1 + 3 + 1 + 2
	minHoldBytes   = 1 + 1 + 1 + 1 + 1
	minPartBytes   = 8 + 1 + 1 + 1
)

func (p *Purse) appendReminder(dst []byte, version byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(p.RemindMs))
	dst = binary.AppendUvarint(dst, uint64(p.RemindedTo))
	if version < codecVersion {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(p.IdleMs))
	return binary.AppendUvarint(dst, uint64(p.UsedAt))
}

func (p *Purse) readReminder(r *reader) {
	p.RemindMs, p.RemindedTo = int64(r.uvarint()), retail.Instant(r.uvarint())
	if r.version >= codecVersion {
		p.IdleMs, p.UsedAt = int64(r.uvarint()), retail.Instant(r.uvarint())
	}
}

func (a *Account) appendWallets(dst []byte, version byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(a.Wallets)))
	for i := range a.Wallets {
		w := &a.Wallets[i]
		dst = appendText(dst, w.Name)
		dst = binary.AppendVarint(dst, int64(w.Pending))
		dst = binary.AppendVarint(dst, int64(w.Available))
		dst = binary.AppendVarint(dst, int64(w.LifetimeEarned))
		dst = w.appendReminder(appendLots(dst, w.Lots), version)
	}
	return dst
}

func (a *Account) readWallets(r *reader) {
	for n := r.count(minWalletBytes); n > 0; n-- {
		w := a.nextWallet()
		w.Name = r.text(w.Name)
		w.Pending = money.Amount(r.varint())
		w.Available = money.Amount(r.varint())
		w.LifetimeEarned = money.Amount(r.varint())
		w.Lots = r.lots(w.Lots)
		w.readReminder(r)
	}
}

// nextWallet adds a wallet in the memory of one that was there before: its name too, as it is mostly the same again.
func (a *Account) nextWallet() *Wallet {
	if len(a.Wallets) == cap(a.Wallets) {
		a.Wallets = append(a.Wallets, Wallet{})
	} else {
		a.Wallets = a.Wallets[:len(a.Wallets)+1]
	}
	w := &a.Wallets[len(a.Wallets)-1]
	*w = Wallet{Name: w.Name, Purse: Purse{Lots: w.Lots[:0]}}
	return w
}

func (a *Account) appendHolds(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(a.Holds)))
	for i := range a.Holds {
		h := &a.Holds[i]
		dst = appendText(appendText(dst, h.ID), h.Wallet)
		dst = appendParts(binary.AppendUvarint(dst, uint64(h.ExpiresAt)), h.Parts)
	}
	return dst
}

func (a *Account) readHolds(r *reader) {
	for n := r.count(minHoldBytes); n > 0; n-- {
		h := Hold{ID: r.text(""), Wallet: r.text(""), ExpiresAt: retail.Instant(r.uvarint())}
		h.Parts = r.parts(nil)
		a.Holds = append(a.Holds, h)
	}
}

func appendParts(dst []byte, parts []Part) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(parts)))
	for _, p := range parts {
		dst = binary.LittleEndian.AppendUint64(dst, p.Campaign)
		dst = binary.AppendVarint(dst, int64(p.Version))
		dst = binary.AppendUvarint(dst, uint64(p.ExpiresAt))
		dst = binary.AppendUvarint(dst, uint64(p.Amount))
	}
	return dst
}

func (r *reader) parts(parts []Part) []Part {
	for n := r.count(minPartBytes); n > 0; n-- {
		parts = append(parts, Part{Campaign: r.fixed64(), Version: r.int32(), ExpiresAt: retail.Instant(r.uvarint()), Amount: money.Amount(r.uvarint())})
	}
	return parts
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// text reads a text; it gives known back when that is the same, so that nothing is allocated.
func (r *reader) text(known string) string {
	b := r.take(r.count(1))
	if string(b) == known {
		return known
	}
	return string(b)
}

// AppendBinary appends the burn's encoding to dst.
func (b *Burn) AppendBinary(dst []byte) []byte {
	dst = binary.AppendUvarint(appendText(dst, b.Wallet), uint64(b.Owed))
	return appendParts(dst, b.Parts)
}

// DecodeBurn reads what AppendBinary wrote; nothing aliases b.
func DecodeBurn(b []byte) (Burn, error) {
	r := reader{b: b}
	burn := Burn{Wallet: r.text(""), Owed: money.Amount(r.uvarint())}
	burn.Parts = r.parts(nil)
	bad := burn.Owed < 0 || burn.Owed > money.Max || burn.Wallet != "" && !walletName(burn.Wallet)
	for _, p := range burn.Parts {
		bad = bad || p.Amount <= 0 || p.Amount > money.Max || p.ExpiresAt < 0
	}
	if r.bad || len(r.b) > 0 || bad {
		return Burn{}, fmt.Errorf("decode burn: %w", errTruncated)
	}
	return burn, nil
}
