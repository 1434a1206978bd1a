package budget

import (
	"slices"

	"cagnotte/pipeline/money"
)

// Book is the owner's side of one campaign's budget: what each partition was granted and has given back. The zero value is not ready: use NewBook or
// DecodeBook.
type Book struct {
	lines []line // by partition
	turn  int    // partition that is served first among those that wait
}

// line is what the owner knows of one partition's lease.
type line struct {
	granted  money.Amount // in all
	returned money.Amount // in all, as reported
	used     money.Amount // as reported last
	heard    int64        // number of the last report
	asked    int64        // number of the report that asked last
	need     money.Amount // what it waits for, 0: nothing
	number   int64        // of the last grant
	recalled bool         // asked to give back and not heard of since
	told     bool         // that there is nothing, since it was last granted something
}

// out is what a partition may hold, unused or not.
func (l *line) out() money.Amount { return l.granted - l.returned }

// idle is what a partition may have unused: never less than it has, as far as it has not recycled since its report.
func (l *line) idle() money.Amount { return l.out() - l.used }

// NewBook opens the book: each partition has its opening lease.
func NewBook(t Terms, partitions int32) Book {
	b := Book{lines: make([]line, partitions)}
	for i := range b.lines {
		b.lines[i].granted = t.Opening(partitions)
	}
	return b
}

// Out is what all leases hold together, used or not: never above the greatest total that a grant was made under.
func (b *Book) Out() money.Amount {
	var sum money.Amount
	for i := range b.lines {
		sum += b.lines[i].out()
	}
	return sum
}

// Used is what the leases have reported as granted to members. It lags behind them by one message.
func (b *Book) Used() money.Amount {
	var sum money.Amount
	for i := range b.lines {
		sum += b.lines[i].used
	}
	return sum
}

// Hear takes a report. One that was heard before, or overtaken by a later one, changes nothing and is reported as false.
func (b *Book) Hear(r Request) (bool, error) {
	if r.Partition < 0 || int(r.Partition) >= len(b.lines) {
		return false, broken("a report of partition %d of %d", r.Partition, len(b.lines))
	}
	l := &b.lines[r.Partition]
	if r.Number <= l.heard {
		return false, nil
	}
	if r.Returned < l.returned || r.Used < 0 || r.Returned+r.Used > l.granted {
		return false, broken("report %d of partition %d: %v returned and %v used; known are %v granted and %v returned", r.Number, r.Partition, r.Returned, r.Used, l.granted, l.returned)
	}
	l.heard, l.returned, l.used, l.recalled = r.Number, r.Returned, r.Used, false
	if r.Need > 0 {
		l.need, l.asked = r.Need, r.Number
	}
	return true, nil
}

// Serve grants what it can to those that wait, and asks the others to give back when the pool runs low. Call it after Hear, and when the total may
// have changed. It appends the messages to dst.
func (b *Book) Serve(t Terms, dst []Grant) []Grant {
	pool := t.Total - b.Out()
	from := len(dst)
	n, start := len(b.lines), b.turn
	for i := range n {
		at := (start + i) % n
		l := &b.lines[at]
		if l.need == 0 || pool <= 0 {
			continue
		}
		part := min(pool, max(l.need, pool/money.Amount(2*n)))
		pool -= part
		l.granted += part
		l.need, l.told = 0, false
		b.turn = (at + 1) % n
		dst = append(dst, l.grant(at, false))
	}
	dst = b.recall(max(pool, t.Total/money.Amount(keepParts*n)), pool < 0, dst, dst[from:])
	if pool <= 0 {
		dst = b.tell(dst)
	}
	return dst
}

// tell lets those that wait know that there is nothing, once, when nobody is left who may give something back: a holder that knows need not hold up its
// receipts for an answer.
func (b *Book) tell(dst []Grant) []Grant {
	for i := range b.lines {
		if b.lines[i].recalled {
			return dst
		}
	}
	for i := range b.lines {
		l := &b.lines[i]
		if l.need == 0 || l.told {
			continue
		}
		l.told = true
		g := l.grant(i, false)
		g.Dry = true
		dst = append(dst, g)
	}
	return dst
}

// keepParts bounds what may stay idle in leases too small to be worth a recall: 1/250 of the total over all partitions. Asking for them back would
// pass the last coins round and round, from where they are about to be granted to where somebody has just been refused.
const keepParts = 250

// recall asks for halves back when somebody was served or waits, or when a lowered total is below what is out: from those that hold more than keep.
// Halves, because those that are asked may need it as much; what is idle comes together within a few rounds. Every round is caused by an award
// somewhere, so that there is silence where nobody buys.
func (b *Book) recall(keep money.Amount, lowered bool, dst, served []Grant) []Grant {
	waiting, last := 0, -1
	for i := range b.lines {
		if b.lines[i].need > 0 {
			waiting, last = waiting+1, i
		}
	}
	if waiting == 0 && len(served) == 0 && !lowered {
		return dst
	}
	for i := range b.lines {
		l := &b.lines[i]
		spared := waiting == 1 && last == i || l.idle() <= keep || holds(served, int32(i))
		if l.recalled || l.idle() <= 0 || spared && !lowered {
			continue
		}
		l.recalled = true
		dst = append(dst, l.grant(i, true))
	}
	return dst
}

func holds(served []Grant, partition int32) bool {
	return slices.ContainsFunc(served, func(g Grant) bool { return g.Partition == partition })
}

func (l *line) grant(at int, recall bool) Grant {
	l.number++
	g := Grant{Partition: int32(at), Number: l.number, Granted: l.granted, Recall: recall}
	if l.need == 0 {
		g.Answers = l.asked
	}
	return g
}
