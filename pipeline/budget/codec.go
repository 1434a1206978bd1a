package budget

import (
	"encoding/binary"

	"cagnotte/pipeline/money"
)

// Encodings are a version byte and varints, one way to write each value: these records are read by this program alone. A grant or a lease that is dry
// differs from one that is not by its version alone.
const (
	codecVersion = 1
	dryVersion   = 2
)

func version(dry bool) byte {
	if dry {
		return dryVersion
	}
	return codecVersion
}

// MaxPartitions bounds what a book may be decoded to.
const MaxPartitions = 1 << 14

// reader cuts varints off a record. After a failure it returns zeros, and finish tells.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 || n > 1 && r.b[n-1] == 0 { // an encoding longer than it need be is not ours
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// amount reads a total, which is never negative and never beyond what money may be.
func (r *reader) amount() money.Amount {
	v := money.Amount(r.varint())
	if v < 0 || v > money.Max {
		r.failed = true
		return 0
	}
	return v
}

func (r *reader) number() int64 {
	v := r.varint()
	r.failed = r.failed || v < 0
	return v
}

func (r *reader) partition() int32 {
	v := r.varint()
	if v < 0 || v >= MaxPartitions {
		r.failed = true
		return 0
	}
	return int32(v)
}

func (r *reader) flag() bool {
	v := r.varint()
	r.failed = r.failed || v != 0 && v != 1
	return v == 1
}

func open(what string, b []byte) (reader, error) {
	in, dry, err := openEither(what, b)
	if err == nil && dry {
		err = broken("%s %.16x is of no known version; hint: upgrade this program", what, b)
	}
	return in, err
}

// openEither also takes what can be dry.
func openEither(what string, b []byte) (in reader, dry bool, err error) {
	if len(b) == 0 || b[0] != codecVersion && b[0] != dryVersion {
		return reader{}, false, broken("%s %.16x is of no known version; hint: upgrade this program", what, b)
	}
	return reader{b: b[1:]}, b[0] == dryVersion, nil
}

func (r *reader) finish(what string) error {
	if r.failed || len(r.b) != 0 {
		return broken("%s is damaged", what)
	}
	return nil
}

func put(dst []byte, vs ...int64) []byte {
	for _, v := range vs {
		dst = binary.AppendVarint(dst, v)
	}
	return dst
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// AppendBinary appends the request's encoding.
func (r Request) AppendBinary(dst []byte) []byte {
	return put(append(dst, codecVersion), int64(r.Partition), r.Number, int64(r.Returned), int64(r.Used), int64(r.Need))
}

// ParseRequest reads a request.
func ParseRequest(b []byte) (Request, error) {
	in, err := open("request", b)
	if err != nil {
		return Request{}, err
	}
	r := Request{Partition: in.partition(), Number: in.number(), Returned: in.amount(), Used: in.amount(), Need: in.amount()}
	return r, in.finish("request")
}

// AppendBinary appends the grant's encoding.
func (g Grant) AppendBinary(dst []byte) []byte {
	return put(append(dst, version(g.Dry)), int64(g.Partition), g.Number, int64(g.Granted), g.Answers, bit(g.Recall))
}

// ParseGrant reads a grant.
func ParseGrant(b []byte) (Grant, error) {
	in, dry, err := openEither("grant", b)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Partition: in.partition(), Number: in.number(), Granted: in.amount(), Answers: in.number(), Recall: in.flag(), Dry: dry}
	return g, in.finish("grant")
}

// AppendBinary appends the lease as it is between commits: after Report.
func (l *Lease) AppendBinary(dst []byte) []byte {
	return put(append(dst, version(l.dry)), int64(l.received), int64(l.returned), int64(l.used), int64(l.size), l.number, l.asked, l.heard, int64(l.wanted))
}

// DecodeLease reads a lease.
func DecodeLease(b []byte) (Lease, error) {
	in, dry, err := openEither("lease", b)
	if err != nil {
		return Lease{}, err
	}
	l := Lease{received: in.amount(), returned: in.amount(), used: in.amount(), size: in.amount(), number: in.number(), asked: in.number(), heard: in.number(), wanted: in.amount(), dry: dry}
	if err := in.finish("lease"); err != nil {
		return Lease{}, err
	}
	if l.Left() < 0 || l.asked > l.number {
		return Lease{}, broken("lease of %v received, %v returned, %v used", l.received, l.returned, l.used)
	}
	return l, nil
}

// AppendBinary appends the book.
func (b *Book) AppendBinary(dst []byte) []byte {
	dst = put(append(dst, codecVersion), int64(len(b.lines)), int64(b.turn))
	for i := range b.lines {
		l := &b.lines[i]
		dst = put(dst, int64(l.granted), int64(l.returned), int64(l.used), l.heard, l.asked, int64(l.need), l.number, bit(l.recalled)|bit(l.told)<<1)
	}
	return dst
}

// DecodeBook reads a book.
func DecodeBook(b []byte) (Book, error) {
	in, err := open("book", b)
	if err != nil {
		return Book{}, err
	}
	n := in.varint()
	book := Book{turn: int(in.partition())}
	if n < 1 || n > MaxPartitions || n > int64(len(in.b))/8 || int64(book.turn) >= n {
		return Book{}, broken("book of %d partitions in %d bytes, turn of %d", n, len(b), book.turn)
	}
	book.lines = make([]line, n)
	for i := range book.lines {
		book.lines[i].read(&in)
		if l := &book.lines[i]; l.returned+l.used > l.granted || l.asked > l.heard {
			in.failed = true
		}
	}
	return book, in.finish("book")
}

func (l *line) read(in *reader) {
	*l = line{granted: in.amount(), returned: in.amount(), used: in.amount(), heard: in.number(), asked: in.number(), need: in.amount(), number: in.number()}
	flags := in.number()
	in.failed = in.failed || flags > 3
	l.recalled, l.told = flags&1 != 0, flags&2 != 0
}
