// Package audit compares what a product made of a stream of receipts with what the model says it must be: the receipts topic with what was sent,
// the ledger, balances and dead letters in Kafka, the balances in the state stores, and the tables and views in ClickHouse. To the cent and to the row.
package audit

import (
	"fmt"
	"io"
	"sort"
	"sync"
)

// Harm says what a kind of difference means for the people concerned.
type Harm string

// Harms.
const (
	Lost    Harm = "lost"    // something that must be there is not
	Doubled Harm = "doubled" // something is there once too often
	Cents   Harm = "cents"   // an amount is wrong
	Other   Harm = "other"   // anything else that breaks the contract
)

// Class is one kind of difference.
type Class struct {
	Name     string   `json:"name"`
	Harm     Harm     `json:"harm"`
	Count    int64    `json:"count"`
	Minor    int64    `json:"minor"` // sum of the absolute differences, minor units
	Examples []string `json:"examples"`
}

// maxExamples is how many differences of a class are named.
const maxExamples = 20

// Report is the outcome of an audit. Its methods are safe for concurrent use; read its fields when the audit has ended.
type Report struct {
	Checked map[string]int64  `json:"checked"` // how many things of each kind were compared
	Classes map[string]*Class `json:"differences"`
	Budgets []BudgetUse       `json:"budgets,omitempty"`

	mu sync.Mutex
}

// NewReport returns an empty report.
func NewReport() *Report {
	return &Report{Checked: map[string]int64{}, Classes: map[string]*Class{}}
}

// saw counts n comparisons of a kind.
func (r *Report) saw(kind string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Checked[kind] += n
}

// differ records a difference. minor is how much money it concerns, 0 when none.
func (r *Report) differ(harm Harm, class string, minor int64, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.Classes[class]
	if c == nil {
		c = &Class{Name: class, Harm: harm}
		r.Classes[class] = c
	}
	c.Count++
	c.Minor += max(minor, -minor)
	if len(c.Examples) < maxExamples {
		c.Examples = append(c.Examples, fmt.Sprintf(format, args...))
	}
}

// Total returns how many differences of a harm there are, and what money they concern.
func (r *Report) Total(h Harm) (count, minor int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.Classes {
		if c.Harm == h {
			count += c.Count
			minor += c.Minor
		}
	}
	return count, minor
}

// OK reports whether nothing differs.
func (r *Report) OK() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.Classes) == 0
}

// Has reports whether a class of differences was found.
func (r *Report) Has(class string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Classes[class] != nil
}

// Write prints the report for people: what was compared, then every class with its examples.
func (r *Report) Write(w io.Writer) error {
	p := &printer{w: w}
	for _, k := range sorted(r.Checked) {
		p.printf("  %-34s %12d\n", k, r.Checked[k])
	}
	r.writeBudgets(p)
	for _, k := range sorted(r.Classes) {
		c := r.Classes[k]
		p.printf("DIFFERENCE %s (%s): %d", c.Name, c.Harm, c.Count)
		if c.Minor != 0 {
			p.printf(", %d.%02d in money", c.Minor/100, c.Minor%100)
		}
		p.printf("\n")
		for _, e := range c.Examples {
			p.printf("    %s\n", e)
		}
		if more := c.Count - int64(len(c.Examples)); more > 0 {
			p.printf("    and %d more\n", more)
		}
	}
	lost, _ := r.Total(Lost)
	doubled, _ := r.Total(Doubled)
	cents, minor := r.Total(Cents)
	other, _ := r.Total(Other)
	p.printf("audit: %d lost, %d doubled, %d amounts differ by %d.%02d, %d other\n", lost, doubled, cents, minor/100, minor%100, other)
	return p.err
}

// printer keeps the first error of a series of prints.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
