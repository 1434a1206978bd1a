package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/budget"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// desk keeps a task's part of the campaigns' budgets: its leases, and the books of the budgets that it owns. All of it is notes in the task's state, so
// that it commits, aborts and is restored with the accounts; what is in memory here is decoded from them. See DESIGN.md, "Budgets".
type desk struct {
	t       *task
	terms   *budgetTerms
	leases  map[string]*leaseNote // by the budget's name, see budgetname.go
	books   map[string]*bookNote
	changed []*leaseNote // in order of first touch, so that the order of records does not hang on a map's
	opened  []*bookNote
	watched []*leaseNote // that were drawn on and may have to wait for more
	served  *budgetTerms // the terms under which all books were served last
	paced   time.Time    // when the books whose total grows with the time were served last
	at      reading
	moved   bool
	held    []*kgo.Record // messages about campaigns that this instance has not read of yet
	grants  []budget.Grant
	scratch []byte
	name    []byte
}

type leaseNote struct {
	budget.Lease
	budget  string // its name
	touched bool
	watched bool
	waiting time.Time // since when it waits, as this instance has seen it
}

type bookNote struct {
	budget.Book
	budget  string
	touched bool
}

// Keys of the notes; the budget's name follows.
const (
	noteLease   = "budget/lease/"
	noteBook    = "budget/book/"
	noteReading = "budget/at"
)

func newDesk(t *task) *desk {
	return &desk{t: t, leases: map[string]*leaseNote{}, books: map[string]*bookNote{}}
}

// forget drops what is decoded: after an abort, the notes are as of the last commit again.
func (d *desk) forget() {
	if d == nil {
		return
	}
	clear(d.leases)
	clear(d.books)
	clear(d.held)
	clear(d.watched)
	d.changed, d.opened, d.held, d.watched = d.changed[:0], d.opened[:0], d.held[:0], d.watched[:0]
	d.served, d.moved, d.at = nil, false, reading{}
}

// limit takes the results' awards off the leases and cuts what they cannot give; what a return takes back goes on the leases again (D22).
func (d *desk) limit(dec *rules.Decision, fp *rules.Footprint, sale bool) error {
	for i := range dec.Results {
		terms, ok := d.terms.byKey[dec.Results[i].CampaignKey]
		if !ok || !terms.limits {
			continue
		}
		if dec.Results[i].Granted == 0 {
			continue
		}
		if err := d.draw(dec, i, terms, fp, sale); err != nil {
			return err
		}
	}
	return nil
}

// draw takes one result off the leases that it must fit, or puts it back on them.
func (d *desk) draw(dec *rules.Decision, i int, terms *campaignTerms, fp *rules.Footprint, sale bool) error {
	var leases [2]*leaseNote
	var codes [2]rules.StepCode
	n := 0
	if terms.newest.Budget != 0 {
		l, err := d.lease([]byte(terms.id), terms)
		if err != nil {
			return err
		}
		leases[n], codes[n] = l, terms.newest.BudgetStep(d.now())
		n++
	}
	if terms.newest.StoreBudget.Amount != 0 && fp.Shop != "" {
		d.name = terms.storeName(d.name[:0], fp)
		l, err := d.lease(d.name, terms)
		if err != nil {
			return err
		}
		leases[n], codes[n] = l, rules.StepStoreBudget
		n++
	}
	return d.fit(dec, i, terms, leases[:n], codes[:n], fp, sale)
}

// fit books a result on its leases. One that is cut by another lease than its own has not fallen short.
func (d *desk) fit(dec *rules.Decision, i int, terms *campaignTerms, leases []*leaseNote, codes []rules.StepCode, fp *rules.Footprint, sale bool) error {
	r := &dec.Results[i]
	if r.Granted < 0 {
		for _, l := range leases {
			d.touch(l)
			l.Refund(r.Granted.Neg(), !terms.newest.BudgetOnce)
		}
		return nil
	}
	wanted := r.Granted
	for k, l := range leases {
		dec.LimitToBudget(i, codes[k], l.Left(), fp, sale)
	}
	for k, l := range leases {
		d.touch(l)
		mine := r.Granted
		if wanted > mine && l.Left() == mine {
			mine = wanted
		}
		if err := l.Spend(r.Granted, mine); err != nil {
			return fmt.Errorf("%w: budget %s: %w", ErrInvariant, l.budget, err)
		}
		if codes[k] != rules.StepBudgetPacing { // there, more comes with the time and not by waiting
			d.watch(l)
		}
	}
	return nil
}

func (d *desk) lease(name []byte, terms *campaignTerms) (*leaseNote, error) {
	if l := d.leases[string(name)]; l != nil {
		return l, nil
	}
	l := &leaseNote{budget: string(name)}
	if v, found := d.t.part.Note(noteLease + l.budget); found {
		lease, err := budget.DecodeLease(v)
		if err != nil {
			return nil, d.damaged(noteLease+l.budget, err)
		}
		l.Lease = lease
	} else {
		l.Lease = budget.Open(terms.of(l.budget, d.now()), d.t.p.partitions)
	}
	d.leases[l.budget] = l
	return l, nil
}

func (d *desk) damaged(note string, err error) error {
	return fmt.Errorf("%w: partition %d: note %s: %w; hint: the state directory is damaged, remove it and restore from the changelog", ErrInvariant, d.t.partition, note, err)
}

func (d *desk) touch(l *leaseNote) {
	if !l.touched {
		l.touched = true
		d.changed = append(d.changed, l)
	}
}

func (d *desk) book(name string, terms *campaignTerms) (*bookNote, error) {
	b := d.books[name]
	if b == nil {
		b = &bookNote{budget: name}
		if v, found := d.t.part.Note(noteBook + name); found {
			book, err := budget.DecodeBook(v)
			if err != nil {
				return nil, d.damaged(noteBook+name, err)
			}
			b.Book = book
		} else {
			b.Book = budget.NewBook(terms.of(name, d.now()), d.t.p.partitions)
		}
		d.books[name] = b
	}
	return b, nil
}

func (d *desk) open(b *bookNote) {
	if !b.touched {
		b.touched = true
		d.opened = append(d.opened, b)
	}
}

// take handles messages in their order. One about a campaign that this instance has not read of yet holds up those behind it: the campaigns topic is
// read by everybody within moments.
func (d *desk) take(fresh []*kgo.Record) error {
	d.held = append(d.held, fresh...)
	n := 0
	for _, r := range d.held {
		terms := d.terms.named(string(r.Key))
		if terms == nil {
			break
		}
		if err := d.handle(r, terms); err != nil {
			return fmt.Errorf("%w: %s-%d@%d: %w", ErrInvariant, r.Topic, r.Partition, r.Offset, err)
		}
		n++
	}
	d.held = slices.Delete(d.held, 0, n)
	return nil
}

func (d *desk) handle(r *kgo.Record, terms *campaignTerms) error {
	if r.Offset < d.at.of(r.Topic) {
		return nil
	}
	d.at.move(r.Topic, r.Offset+1)
	d.moved = true
	if r.Topic == schemas.TopicBudgetGrants {
		return d.granted(r, terms)
	}
	return d.requested(r, terms)
}

func (d *desk) granted(r *kgo.Record, terms *campaignTerms) error {
	g, err := budget.ParseGrant(r.Value)
	if err != nil {
		return err
	}
	l, err := d.lease(r.Key, terms)
	if err != nil {
		return err
	}
	d.touch(l)
	_, err = l.Take(g)
	return err
}

func (d *desk) requested(r *kgo.Record, terms *campaignTerms) error {
	req, err := budget.ParseRequest(r.Value)
	if err != nil {
		return err
	}
	b, err := d.book(string(r.Key), terms)
	if err != nil {
		return err
	}
	if fresh, err := b.Hear(req); err != nil || !fresh {
		return err
	}
	d.open(b)
	d.serve(b, terms)
	return nil
}

// serve sends what the book answers into the open transaction.
func (d *desk) serve(b *bookNote, terms *campaignTerms) {
	d.grants = b.Serve(terms.of(b.budget, d.now()), d.grants[:0])
	if len(d.grants) > 0 { // else nothing has changed
		d.open(b)
	}
	for _, g := range d.grants {
		d.send(schemas.TopicBudgetGrants, g.Partition, b.budget, g.AppendBinary(d.scratch[:0]))
	}
}

func (d *desk) send(topic string, partition int32, name string, value []byte) {
	d.scratch = value
	d.t.out.send(topic, partition, d.t.out.copyBytes([]byte(name)), d.t.out.copyBytes(value), nil)
}

// review serves books again whose terms may have changed, so that those that wait go on: all of them when campaigns were published, and every while
// those whose total grows with the time.
func (d *desk) review() error {
	if d.served != d.terms {
		d.served = d.terms
		for _, note := range d.t.part.NoteKeys() {
			if name, isBook := strings.CutPrefix(note, noteBook); isBook {
				if err := d.again(name); err != nil {
					return err
				}
			}
		}
	}
	if now := d.t.p.opts.Now(); len(d.terms.paced) > 0 && now.Sub(d.paced) >= paceEvery {
		d.paced = now
		for _, id := range d.terms.paced {
			if _, mine := d.t.part.Note(noteBook + id); !mine {
				continue
			}
			if err := d.again(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// again serves a book that nobody has written to.
func (d *desk) again(name string) error {
	terms := d.terms.named(name)
	if terms == nil {
		return nil
	}
	b, err := d.book(name, terms)
	if err == nil {
		d.serve(b, terms)
	}
	return err
}

// paceEvery is how often a total that grows with the time is looked at again.
const paceEvery = time.Second

// stage reports for the leases that changed and makes notes of everything that did.
func (d *desk) stage() {
	if d == nil {
		return
	}
	part := d.t.part
	for _, l := range d.changed {
		l.touched = false
		if req, due := l.Report(d.t.partition); due {
			d.send(schemas.TopicBudgetRequests, schemas.PartitionOf(l.budget, d.t.p.partitions), l.budget, req.AppendBinary(d.scratch[:0]))
		}
		d.scratch = l.AppendBinary(d.scratch[:0])
		part.PutNote(noteLease+l.budget, d.scratch)
	}
	for _, b := range d.opened {
		b.touched = false
		d.scratch = b.AppendBinary(d.scratch[:0])
		part.PutNote(noteBook+b.budget, d.scratch)
	}
	if d.moved {
		d.scratch = d.at.append(d.scratch[:0])
		part.PutNote(noteReading, d.scratch)
	}
	d.changed, d.opened, d.moved = d.changed[:0], d.opened[:0], false
}
