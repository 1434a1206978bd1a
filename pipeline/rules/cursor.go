package rules

import (
	"encoding/binary"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// cursor reads bytes; after the first thing that does not fit it is bad and reads zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) require(ok bool) {
	if !ok {
		c.bad, c.b = true, nil
	}
}

func (c *cursor) take(n int) []byte {
	if len(c.b) < n {
		c.require(false)
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.require(false)
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// within reads a number of at most limit in magnitude.
func (c *cursor) within(limit int64) int64 {
	v := c.varint()
	if v > limit || v < -limit {
		c.require(false)
		return 0
	}
	return v
}

func (c *cursor) amount() money.Amount { return money.Amount(c.within(int64(money.Max))) }
func (c *cursor) int32() int32         { return int32(c.within(1<<31 - 1)) }

func (c *cursor) int32u() int32 {
	v := c.uvarint()
	c.require(v <= 1<<31-1)
	return int32(v)
}

// far bounds instants: some thousand centuries.
const far = 1 << 50

// near reads an instant given by its distance from another; it is never zero.
func (c *cursor) near(from, unit retail.Instant) retail.Instant {
	t := (from/unit + retail.Instant(c.within(2*far/int64(unit)))) * unit
	c.require(t != 0 && t <= far && t >= -far)
	return t
}

// count reads how many elements follow; each takes at least size bytes, so that a count cannot demand more memory than its bytes.
func (c *cursor) count(size int) int {
	n := c.uvarint()
	if n > uint64(len(c.b)/size) {
		c.require(false)
		return 0
	}
	return int(n)
}

func (c *cursor) returned() Returned {
	r := Returned{Line: c.int32()}
	if r.Line == 0 {
		r.Product = c.uint16()
	}
	net, quantity := c.uvarint(), c.uvarint()
	c.require(net <= uint64(money.Max) && quantity <= maxMilli)
	r.Net, r.QuantityMilli = money.Amount(net), int64(quantity)
	return r
}

// limits reads what the law said about a line; before holds the shares of the last line that has some.
func (c *cursor) limits(flags byte, before, to *LineLimits) {
	if flags&lineLimited == 0 {
		c.require(flags&(lineNewLimits|lineOff) == 0)
		return
	}
	if flags&lineNewLimits != 0 {
		before.Product, before.All = c.rate(), c.rate()
	}
	*to = LineLimits{Product: before.Product, All: before.All}
	c.require(to.Product != 0 || to.All != 0)
	if flags&lineOff != 0 {
		to.Off, to.Share = c.amount(), c.amount()
		c.require(to.Off >= 0 && (to.Off != 0 || to.Share != 0))
	}
}

func (c *cursor) rate() money.Rate {
	v := c.uvarint()
	c.require(v <= uint64(money.One))
	return money.Rate(v)
}

// maxText bounds a text of a footprint.
const maxText = 512

func (c *cursor) text() string {
	n := c.uvarint()
	c.require(n > 0 && n <= maxText)
	return string(c.take(int(min(n, maxText))))
}
