package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Versions of the encoding, its first byte. An account that was never touched is that byte alone. Version 1 has no extensions: an account without any is
// still written with it, one without purses that lapse for want of activity with version 2.
const (
	codecPlain   = 1
	codecFlags   = 2
	codecVersion = 3 // purses that lapse for want of activity: two numbers behind each reminder
)

// Flags of the second byte.
const (
	flagRecentFull = 1 << iota
	flagProfile
	flagCounters
	flagBought
	flagReminder // of the programme's currency
	flagWallets
	flagHolds
	flagMerged
	flagsKnown = 1<<iota - 1
)

// Least sizes of the repeated parts: a count that promises more than the bytes that are left is refused before anything is allocated.
const (
	minLotBytes      = 1 + 8 + 1 + 1 + 1 + 1
	minProgressBytes = 8 + 1 + 1
	recentBytes      = 8
)

// Reset empties the account and keeps the capacity of its slices.
func (a *Account) Reset() {
	*a = Account{
		Purse: Purse{Lots: a.Lots[:0]}, Wallets: a.Wallets[:0], Holds: a.Holds[:0],
		Progress: a.Progress[:0], Recent: a.Recent[:0], Counters: a.Counters[:0], Profile: Profile{Facts: a.Profile.Facts[:0]},
	}
}

// Empty reports whether nothing ever happened to the account.
func (a *Account) Empty() bool {
	return a.Seq == 0 && a.Pending == 0 && a.Available == 0 && a.LifetimeEarned == 0 && a.LastReceiptAt == 0 && !a.RecentFull &&
		len(a.Lots) == 0 && len(a.Progress) == 0 && len(a.Recent) == 0 && len(a.Counters) == 0 && !a.Profile.told() && a.Profile.FirstReceiptAt == 0 &&
		len(a.Wallets) == 0 && len(a.Holds) == 0 && a.MergedInto == "" && len(a.Absorbed) == 0 && a.RemindMs == 0 && a.RemindedTo == 0 && a.IdleMs == 0
}

// flags says what the encoding holds.
func (a *Account) flags() byte {
	flags := bit(a.RecentFull)
	if a.Profile.told() {
		flags |= flagProfile
	}
	if len(a.Counters) > 0 {
		flags |= flagCounters
	}
	if a.Profile.FirstReceiptAt != 0 {
		flags |= flagBought
	}
	if a.RemindMs != 0 || a.RemindedTo != 0 || a.IdleMs != 0 {
		flags |= flagReminder
	}
	if len(a.Wallets) > 0 {
		flags |= flagWallets
	}
	if len(a.Holds) > 0 {
		flags |= flagHolds
	}
	if a.MergedInto != "" || len(a.Absorbed) > 0 {
		flags |= flagMerged
	}
	return flags
}

// AppendBinary appends the account's encoding to dst. Equal accounts have equal bytes.
func (a *Account) AppendBinary(dst []byte) []byte {
	if a.Empty() {
		return append(dst, codecPlain)
	}
	flags, version := a.flags(), a.version()
	dst = append(dst, version, flags)
	dst = binary.AppendUvarint(dst, a.Seq)
	dst = binary.AppendVarint(dst, int64(a.Pending))
	dst = binary.AppendVarint(dst, int64(a.Available))
	dst = binary.AppendVarint(dst, int64(a.LifetimeEarned))
	dst = binary.AppendVarint(dst, int64(a.LastReceiptAt))
	dst = appendLots(dst, a.Lots)
	dst = binary.AppendUvarint(dst, uint64(len(a.Progress)))
	for i := range a.Progress {
		p := &a.Progress[i]
		dst = binary.LittleEndian.AppendUint64(dst, p.Campaign)
		dst = binary.AppendVarint(dst, int64(p.Period))
		dst = binary.AppendUvarint(dst, uint64(p.Used))
	}
	dst = binary.AppendUvarint(dst, uint64(len(a.Recent)))
	for _, id := range a.Recent {
		dst = binary.LittleEndian.AppendUint64(dst, id)
	}
	return a.appendExtensions(dst, flags, version)
}

// version is the oldest one that can say what the account holds.
func (a *Account) version() byte {
	if a.IdleMs != 0 {
		return codecVersion
	}
	for i := range a.Wallets {
		if a.Wallets[i].IdleMs != 0 {
			return codecVersion
		}
	}
	if a.flags() > flagRecentFull {
		return codecFlags
	}
	return codecPlain
}

// appendExtensions writes what most accounts do not have.
func (a *Account) appendExtensions(dst []byte, flags, version byte) []byte {
	if flags&flagProfile != 0 {
		dst = a.appendProfile(dst)
	}
	if flags&flagCounters != 0 {
		dst = a.appendCounters(dst)
	}
	if flags&flagBought != 0 { // mostly not long before the last receipt, so it is a short number
		dst = binary.AppendVarint(dst, int64(a.LastReceiptAt-a.Profile.FirstReceiptAt))
	}
	if flags&flagReminder != 0 {
		dst = a.appendReminder(dst, version)
	}
	if flags&flagWallets != 0 {
		dst = a.appendWallets(dst, version)
	}
	if flags&flagHolds != 0 {
		dst = a.appendHolds(dst)
	}
	if flags&flagMerged != 0 {
		dst = a.appendMerged(dst)
	}
	return dst
}

func (a *Account) readExtensions(r *reader, flags byte) {
	if flags&flagProfile != 0 {
		a.readProfile(r)
	}
	if flags&flagCounters != 0 {
		a.readCounters(r)
	}
	if flags&flagBought != 0 {
		a.Profile.FirstReceiptAt = a.LastReceiptAt - retail.Instant(r.varint())
	}
	if flags&flagReminder != 0 {
		a.readReminder(r)
	}
	if flags&flagWallets != 0 {
		a.readWallets(r)
	}
	if flags&flagHolds != 0 {
		a.readHolds(r)
	}
	if flags&flagMerged != 0 {
		a.readMerged(r)
	}
}

func appendLots(dst []byte, lots []Lot) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(lots)))
	for i := range lots {
		dst = lots[i].appendBinary(dst)
	}
	return dst
}

func (l *Lot) appendBinary(dst []byte) []byte {
	dst = append(dst, bit(l.Active))
	dst = binary.LittleEndian.AppendUint64(dst, l.Campaign)
	dst = binary.AppendVarint(dst, int64(l.Version))
	dst = binary.AppendVarint(dst, int64(l.ActiveFrom))
	dst = binary.AppendVarint(dst, int64(l.ExpiresAt))
	return binary.AppendUvarint(dst, uint64(l.Remaining))
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Decode reads what AppendBinary wrote, into the account's own slices; nothing aliases b. It refuses bytes of a newer version, bytes that
// end early or late, and an account that breaks its own invariants (order of lots, balances that are not the sum of the lots). After an
// error the account is empty.
func (a *Account) Decode(b []byte) error {
	a.Reset()
	if err := a.decode(b); err != nil {
		a.Reset()
		return fmt.Errorf("decode account: %w", err)
	}
	return nil
}

func (a *Account) decode(b []byte) error {
	if len(b) == 0 || b[0] == 0 {
		return errNotAccount
	}
	if b[0] > codecVersion {
		return fmt.Errorf("version %d is newer than %d, which this program knows", b[0], codecVersion)
	}
	if len(b) == 1 && b[0] == codecPlain {
		return nil
	}
	r := reader{b: b[1:], version: b[0]}
	flags := r.byte()
	if known := byte(flagsKnown); flags&^known != 0 || b[0] == codecPlain && flags > flagRecentFull {
		return errTruncated
	}
	a.RecentFull = flags&flagRecentFull != 0
	a.Seq = r.uvarint()
	a.Pending = money.Amount(r.varint())
	a.Available = money.Amount(r.varint())
	a.LifetimeEarned = money.Amount(r.varint())
	a.LastReceiptAt = retail.Instant(r.varint())
	a.Lots = r.lots(a.Lots)
	for n := r.count(minProgressBytes); n > 0; n-- {
		a.Progress = append(a.Progress, Progress{Campaign: r.fixed64(), Period: r.int32(), Used: money.Amount(r.uvarint())})
	}
	ids := r.take(recentBytes * r.count(recentBytes))
	for ; len(ids) > 0; ids = ids[recentBytes:] {
		a.Recent = append(a.Recent, binary.LittleEndian.Uint64(ids))
	}
	a.readExtensions(&r, flags)
	if r.bad || len(r.b) > 0 {
		return errTruncated
	}
	return a.Check()
}

var (
	errNotAccount = errors.New("not an account")
	errTruncated  = errors.New("bytes end early or late, or a number is out of range")
)

func (r *reader) lots(lots []Lot) []Lot {
	for n := r.count(minLotBytes); n > 0; n-- {
		lots = append(lots, Lot{
			Active: r.flag(), Campaign: r.fixed64(), Version: r.int32(),
			ActiveFrom: retail.Instant(r.varint()), ExpiresAt: retail.Instant(r.varint()), Remaining: money.Amount(r.uvarint()),
		})
	}
	return lots
}
