package rules

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"cagnotte/pipeline/retail"
)

// The binary form of a footprint, version 1, or 2 when the products of its lines take four bytes each, not two:
//
//	byte    version
//	byte    flags: sale known, awards, returns, voided, of an event
//	8 bytes content hash, little endian
//	sale:    ended_at
//	awards:  total, count, then each award; count of lines, then each line with its mask
//	returns: count, then each sum
//	texts:   length and bytes of shop, operator, burn
//
// Numbers are varints, signed ones zigzag. Times of an award are distances from ended_at, in minutes where they are whole ones.
// What is usual takes no byte: an award's and a line's first byte says which parts follow.
const (
	footprintVersion  = 1
	footprintProducts = 2
)

const (
	flagSale = 1 << iota
	flagAwards
	flagReturned
	flagVoided
	flagShop
	flagOperator
	flagEvent
	flagBurn
	flagsKnown = 1<<iota - 1
)

const (
	awardRoom = 1 << iota
	awardPeriod
	awardActive
	awardExpires
	awardMillis // times are in milliseconds
	awardHoldout
	awardNoArm
	awardKnown = 1<<iota - 1
)

const (
	lineNext   = 1 << iota // number follows the one before
	lineSingle             // one whole piece
	lineEach
	lineProduct
	lineMask      // a mask follows; else the one before holds
	lineLimited   // a limit of the law holds
	lineNewLimits // its shares follow; else those before hold
	lineOff       // what the till gave follows
)

// FootprintHasSale reads from a footprint's encoding whether the sale is known. It is false for what is no footprint.
func FootprintHasSale(b []byte) bool {
	return len(b) >= 2 && (b[0] == footprintVersion || b[0] == footprintProducts) && b[1]&flagSale != 0
}

// AppendBinary appends the encoding of f to dst.
func (f *Footprint) AppendBinary(dst []byte) []byte {
	flags := byte(0)
	set := func(on bool, bit byte) {
		if on {
			flags |= bit
		}
	}
	set(f.HasSale(), flagSale)
	set(f.HasSale() && len(f.Awards) > 0, flagAwards)
	set(len(f.Returned) > 0, flagReturned)
	set(f.Voided, flagVoided)
	set(f.Shop != "", flagShop)
	set(f.Operator != "", flagOperator)
	set(f.Event && flags&flagAwards != 0, flagEvent)
	set(f.Burn != "", flagBurn)
	version := byte(footprintVersion)
	if f.Products && flags&flagAwards != 0 {
		version = footprintProducts
	}
	dst = append(dst, version, flags)
	dst = binary.LittleEndian.AppendUint64(dst, f.ContentHash)
	if flags&flagSale != 0 {
		dst = binary.AppendVarint(dst, int64(f.EndedAt))
	}
	if flags&flagAwards != 0 {
		dst = f.appendAwards(dst)
		dst = f.appendLines(dst)
	}
	if flags&flagReturned != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(f.Returned)))
		for i := range f.Returned {
			dst = f.Returned[i].append(dst)
		}
	}
	for _, text := range [...]string{f.Shop, f.Operator, f.Burn} {
		if text != "" {
			dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
		}
	}
	return dst
}

func (f *Footprint) appendAwards(dst []byte) []byte {
	dst = binary.AppendVarint(dst, int64(f.Total))
	dst = binary.AppendUvarint(dst, uint64(len(f.Awards)))
	for i := range f.Awards {
		dst = f.Awards[i].append(dst, f.EndedAt)
	}
	return dst
}

func (a *Award) append(dst []byte, ended retail.Instant) []byte {
	flags, unit := byte(0), retail.Instant(1)
	set := func(on bool, bit byte) {
		if on {
			flags |= bit
		}
	}
	set(a.Room >= 0, awardRoom)
	set(a.Period != 0, awardPeriod)
	set(a.ActiveFrom != 0, awardActive)
	set(a.ExpiresAt != 0, awardExpires)
	set(a.Arm == Holdout, awardHoldout)
	set(a.Arm == NoArm, awardNoArm)
	if a.ActiveFrom%minuteMs == 0 && a.ExpiresAt%minuteMs == 0 {
		unit = minuteMs
	} else {
		flags |= awardMillis
	}
	dst = append(dst, flags)
	dst = binary.LittleEndian.AppendUint64(dst, a.CampaignKey)
	dst = binary.AppendUvarint(dst, uint64(a.Version))
	dst = binary.AppendVarint(dst, int64(a.Granted))
	for _, opt := range [...]struct {
		bit byte
		v   int64
	}{
		{awardRoom, int64(a.Room)}, {awardPeriod, int64(a.Period)},
		{awardActive, int64(a.ActiveFrom/unit - ended/unit)}, {awardExpires, int64(a.ExpiresAt/unit - ended/unit)},
	} {
		if flags&opt.bit != 0 {
			dst = binary.AppendVarint(dst, opt.v)
		}
	}
	return dst
}

const minuteMs = 60_000

func (f *Footprint) appendLines(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(f.Lines)))
	var last FootprintLine
	var limits LineLimits
	words := f.words()
	for i := range f.Lines {
		mask := f.masks[i*words : (i+1)*words]
		same := i > 0 && equalWords(mask, f.masks[(i-1)*words:i*words])
		dst = f.Lines[i].append(dst, last.No, !same, &limits, f.Products)
		if !same {
			for _, w := range mask {
				dst = binary.AppendUvarint(dst, w)
			}
		}
		last = f.Lines[i]
	}
	return dst
}

func (l *FootprintLine) append(dst []byte, last int32, mask bool, limits *LineLimits, whole bool) []byte {
	flags := byte(0)
	set := func(on bool, bit byte) {
		if on {
			flags |= bit
		}
	}
	set(int64(l.No) == int64(last)+1, lineNext)
	set(l.Each && l.QuantityMilli == 1000, lineSingle)
	set(l.Each, lineEach)
	set(l.Product != 0, lineProduct)
	set(mask, lineMask)
	limited := l.Limits.Product != 0 || l.Limits.All != 0
	fresh := limited && (l.Limits.Product != limits.Product || l.Limits.All != limits.All)
	set(limited, lineLimited)
	set(fresh, lineNewLimits)
	set(limited && (l.Limits.Off != 0 || l.Limits.Share != 0), lineOff)
	dst = append(dst, flags)
	if flags&lineNext == 0 {
		dst = binary.AppendVarint(dst, int64(l.No))
	}
	dst = binary.AppendVarint(dst, int64(l.Net))
	if flags&lineSingle == 0 {
		dst = binary.AppendVarint(dst, l.QuantityMilli)
	}
	if flags&lineProduct != 0 {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(l.Product))
		if whole {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(l.Product>>16))
		}
	}
	if fresh {
		limits.Product, limits.All = l.Limits.Product, l.Limits.All
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(limits.Product)), uint64(limits.All))
	}
	if flags&lineOff != 0 {
		dst = binary.AppendVarint(binary.AppendVarint(dst, int64(l.Limits.Off)), int64(l.Limits.Share))
	}
	return dst
}

func (r *Returned) append(dst []byte) []byte {
	dst = binary.AppendVarint(dst, int64(r.Line))
	if r.Line == 0 {
		dst = binary.LittleEndian.AppendUint16(dst, r.Product)
	}
	dst = binary.AppendUvarint(dst, uint64(r.Net))
	return binary.AppendUvarint(dst, uint64(r.QuantityMilli))
}

func equalWords(a, b []uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// errFootprint is all that a reader of damaged bytes can do with the fact.
var errFootprint = errors.New("decode footprint: damaged or of an unknown version")

// Decode reads an encoding made by AppendBinary into f, reusing its memory. It keeps nothing of b. On an error f is empty.
func (f *Footprint) Decode(b []byte) error {
	f.Reset()
	c := cursor{b: b}
	version, flags := c.byte(), c.byte()
	f.ContentHash = c.uint64()
	c.require((version == footprintVersion || version == footprintProducts && flags&flagAwards != 0) && flags <= flagsKnown && (flags&flagAwards == 0 || flags&flagSale != 0) &&
		(flags&flagEvent == 0 || flags&flagAwards != 0))
	f.Voided, f.Event, f.Products = flags&flagVoided != 0, flags&flagEvent != 0, version == footprintProducts
	if flags&flagSale != 0 {
		f.EndedAt = retail.Instant(c.within(far))
		c.require(f.EndedAt != 0)
	}
	if flags&flagAwards != 0 {
		f.Total = c.amount()
		f.decodeAwards(&c)
		f.decodeLines(&c)
	}
	if flags&flagReturned != 0 {
		for range c.count(3) {
			f.Returned = append(f.Returned, c.returned())
		}
	}
	if flags&flagShop != 0 {
		f.Shop = c.text()
	}
	if flags&flagOperator != 0 {
		f.Operator = c.text()
	}
	if flags&flagBurn != 0 {
		f.Burn = c.text()
	}
	if c.bad || len(c.b) != 0 {
		f.Reset()
		return errFootprint
	}
	return nil
}

func (f *Footprint) decodeAwards(c *cursor) {
	n := c.count(11)
	c.require(n > 0)
	for range n {
		flags := c.byte()
		c.require(flags <= awardKnown)
		unit := retail.Instant(minuteMs)
		if flags&awardMillis != 0 {
			unit = 1
		}
		a := Award{Arm: Treatment, Room: -1, CampaignKey: c.uint64(), Version: c.int32u(), Granted: c.amount()}
		if flags&awardHoldout != 0 {
			a.Arm = Holdout
		} else if flags&awardNoArm != 0 {
			a.Arm = NoArm
		}
		if flags&awardRoom != 0 {
			a.Room = c.amount()
			c.require(a.Room >= 0)
		}
		if flags&awardPeriod != 0 {
			a.Period = c.int32()
		}
		if flags&awardActive != 0 {
			a.ActiveFrom = c.near(f.EndedAt, unit)
		}
		if flags&awardExpires != 0 {
			a.ExpiresAt = c.near(f.EndedAt, unit)
		}
		f.Awards = append(f.Awards, a)
	}
}

func (f *Footprint) decodeLines(c *cursor) {
	words, n := f.words(), c.count(2)
	c.require(n*words <= maxMaskWords)
	var last int32
	var limits LineLimits
	for i := range n {
		flags := c.byte()
		c.require((i > 0 || flags&lineMask != 0) && (flags&lineSingle == 0 || flags&lineEach != 0))
		l := FootprintLine{No: last + 1, QuantityMilli: 1000, Each: flags&lineEach != 0}
		if flags&lineNext == 0 {
			l.No = c.int32()
		}
		l.Net = c.amount()
		if flags&lineSingle == 0 {
			l.QuantityMilli = c.within(maxMilli)
		}
		if flags&lineProduct != 0 {
			l.Product = uint32(c.uint16())
			if f.Products {
				l.Product |= uint32(c.uint16()) << 16
			}
		}
		c.limits(flags, &limits, &l.Limits)
		if c.bad {
			return
		}
		f.Lines, last = append(f.Lines, l), l.No
		for w := range words {
			if flags&lineMask != 0 {
				f.masks = append(f.masks, c.uvarint())
			} else {
				f.masks = append(f.masks, f.masks[(i-1)*words+w])
			}
		}
		c.require(f.maskFits(i))
	}
}

// maxMaskWords bounds the masks of one footprint to 8 MiB: a damaged one must not ask for more.
const maxMaskWords = 1 << 20

// maskFits reports whether line i sets bits of existing awards only.
func (f *Footprint) maskFits(i int) bool {
	words := f.words()
	last := f.masks[i*words+words-1]
	return bits.Len64(last) <= len(f.Awards)-64*(words-1)
}
