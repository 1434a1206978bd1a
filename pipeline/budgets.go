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

// desk keeps a task's part of the campaigns' budgets: its leases, and the books of the campaigns that it owns. All of it is notes in the task's state, so
// that it commits, aborts and is restored with the accounts; what is in memory here is decoded from them. See DESIGN.md, "Budgets".
type desk struct {
	t       *task
	terms   *budgetTerms
	leases  map[uint64]*leaseNote
	books   map[uint64]*bookNote
	changed []*leaseNote // in order of first touch, so that the order of records does not hang on a map's
	opened  []*bookNote
	watched []*leaseNote // that were drawn on and may have to wait for more
	served  *budgetTerms // the terms under which all books were served last
	at      reading
	moved   bool
	held    []*kgo.Record // messages about campaigns that this instance has not read of yet
	grants  []budget.Grant
	scratch []byte
}

type leaseNote struct {
	budget.Lease
	campaign string
	touched  bool
	watched  bool
	waiting  time.Time // since when it waits, as this instance has seen it
}

type bookNote struct {
	budget.Book
	campaign string
	key      uint64
	touched  bool
}

// Keys of the notes.
const (
	noteLease   = "budget/lease/"
	noteBook    = "budget/book/"
	noteReading = "budget/at"
)

// budgetTerms are those of all campaigns that have a budget in any version.
type budgetTerms struct {
	ruleset *rules.Ruleset
	byKey   map[uint64]campaignTerms
}

type campaignTerms struct {
	budget.Terms
	id     string
	limits bool // the newest version has a budget
}

// termsOf reads the budgets of a ruleset: versions come in ascending order, so the newest says what holds.
func termsOf(rs *rules.Ruleset) *budgetTerms {
	out := &budgetTerms{ruleset: rs, byKey: map[uint64]campaignTerms{}}
	for _, c := range rs.Campaigns() {
		key := rules.CampaignKey(c.ID)
		t, known := out.byKey[key]
		if !known && c.Budget == 0 {
			continue
		}
		if !known {
			t.id, t.First = c.ID, c.Budget
		}
		t.Total, t.Recycle, t.limits = c.Budget, !c.BudgetOnce, c.Budget > 0
		out.byKey[key] = t
	}
	return out
}

// budgetTerms returns those of a ruleset, read once. The loop's goroutine only.
func (p *Pipeline) budgetTerms(rs *rules.Ruleset) *budgetTerms {
	if p.terms == nil || p.terms.ruleset != rs {
		p.terms = termsOf(rs)
	}
	return p.terms
}

func newDesk(t *task) *desk {
	return &desk{t: t, leases: map[uint64]*leaseNote{}, books: map[uint64]*bookNote{}}
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

// limit takes the results' awards off the leases and cuts what they cannot give; what a return takes back goes on the lease again (D22).
func (d *desk) limit(dec *rules.Decision, fp *rules.Footprint, sale bool) error {
	if d == nil || d.terms == nil || len(d.terms.byKey) == 0 {
		return nil
	}
	for i := range dec.Results {
		r := &dec.Results[i]
		if r.Granted == 0 {
			continue
		}
		terms, ok := d.terms.byKey[r.CampaignKey]
		if !ok || !terms.limits {
			continue
		}
		l, err := d.lease(r.CampaignKey, terms)
		if err != nil {
			return err
		}
		d.touch(l)
		if r.Granted < 0 {
			l.Refund(r.Granted.Neg(), terms.Recycle)
			continue
		}
		wanted := r.Granted
		dec.LimitToBudget(i, l.Left(), fp, sale)
		if err := l.Spend(r.Granted, wanted); err != nil {
			return fmt.Errorf("%w: campaign %s: %w", ErrInvariant, terms.id, err)
		}
		d.watch(l)
	}
	return nil
}

func (d *desk) lease(key uint64, terms campaignTerms) (*leaseNote, error) {
	if l := d.leases[key]; l != nil {
		return l, nil
	}
	l := &leaseNote{campaign: terms.id}
	if v, found := d.t.part.Note(noteLease + terms.id); found {
		lease, err := budget.DecodeLease(v)
		if err != nil {
			return nil, d.damaged(noteLease+terms.id, err)
		}
		l.Lease = lease
	} else {
		l.Lease = budget.Open(terms.Terms, d.t.p.partitions)
	}
	d.leases[key] = l
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

func (d *desk) book(key uint64, terms campaignTerms) (*bookNote, error) {
	b := d.books[key]
	if b == nil {
		b = &bookNote{campaign: terms.id, key: key}
		if v, found := d.t.part.Note(noteBook + terms.id); found {
			book, err := budget.DecodeBook(v)
			if err != nil {
				return nil, d.damaged(noteBook+terms.id, err)
			}
			b.Book = book
		} else {
			b.Book = budget.NewBook(terms.Terms, d.t.p.partitions)
		}
		d.books[key] = b
	}
	if !b.touched {
		b.touched = true
		d.opened = append(d.opened, b)
	}
	return b, nil
}

// take handles messages in their order. One about a campaign that this instance has not read of yet holds up those behind it: the campaigns topic is
// read by everybody within moments.
func (d *desk) take(fresh []*kgo.Record) error {
	d.held = append(d.held, fresh...)
	n := 0
	for _, r := range d.held {
		terms, known := d.terms.byKey[rules.CampaignKey(string(r.Key))]
		if !known {
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

func (d *desk) handle(r *kgo.Record, terms campaignTerms) error {
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

func (d *desk) granted(r *kgo.Record, terms campaignTerms) error {
	g, err := budget.ParseGrant(r.Value)
	if err != nil {
		return err
	}
	l, err := d.lease(rules.CampaignKey(terms.id), terms)
	if err != nil {
		return err
	}
	d.touch(l)
	_, err = l.Take(g)
	return err
}

func (d *desk) requested(r *kgo.Record, terms campaignTerms) error {
	req, err := budget.ParseRequest(r.Value)
	if err != nil {
		return err
	}
	b, err := d.book(rules.CampaignKey(terms.id), terms)
	if err != nil {
		return err
	}
	if fresh, err := b.Hear(req); err != nil || !fresh {
		return err
	}
	d.serve(b, terms)
	return nil
}

// serve sends what the book answers into the open transaction.
func (d *desk) serve(b *bookNote, terms campaignTerms) {
	d.grants = b.Serve(terms.Terms, d.grants[:0])
	for _, g := range d.grants {
		d.send(schemas.TopicBudgetGrants, g.Partition, b.campaign, g.AppendBinary(d.scratch[:0]))
	}
}

func (d *desk) send(topic string, partition int32, campaign string, value []byte) {
	d.scratch = value
	d.t.out.send(topic, partition, d.t.out.copyBytes([]byte(campaign)), d.t.out.copyBytes(value), nil)
}

// review serves all books again when the terms may have changed: a total that was raised lets those that wait go on.
func (d *desk) review() error {
	if d.served == d.terms {
		return nil
	}
	for _, note := range d.t.part.NoteKeys() {
		id, isBook := strings.CutPrefix(note, noteBook)
		terms, known := d.terms.byKey[rules.CampaignKey(id)]
		if !isBook || !known {
			continue
		}
		b, err := d.book(rules.CampaignKey(id), terms)
		if err != nil {
			return err
		}
		d.serve(b, terms)
	}
	d.served = d.terms
	return nil
}

// stage reports for the leases that changed and makes notes of everything that did.
func (d *desk) stage() {
	if d == nil {
		return
	}
	part := d.t.part
	for _, l := range d.changed {
		l.touched = false
		if req, due := l.Report(d.t.partition); due {
			d.send(schemas.TopicBudgetRequests, schemas.PartitionOf(l.campaign, d.t.p.partitions), l.campaign, req.AppendBinary(d.scratch[:0]))
		}
		d.scratch = l.AppendBinary(d.scratch[:0])
		part.PutNote(noteLease+l.campaign, d.scratch)
	}
	for _, b := range d.opened {
		b.touched = false
		d.scratch = b.AppendBinary(d.scratch[:0])
		part.PutNote(noteBook+b.campaign, d.scratch)
	}
	if d.moved {
		d.scratch = d.at.append(d.scratch[:0])
		part.PutNote(noteReading, d.scratch)
	}
	d.changed, d.opened, d.moved = d.changed[:0], d.opened[:0], false
}
