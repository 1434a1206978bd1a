package drive

import (
	"fmt"
	"io"
	"sort"
)

// Write prints the result for people.
func (r *Result) Write(w io.Writer) error {
	p := &printer{w: w}
	p.printf("sent %d receipts in %.1f s (%.0f/s); in the ledger after %.1f s (%.0f/s), in ClickHouse after %.1f s\n",
		r.Sent, r.SendSeconds, perSecond(r.Sent, r.SendSeconds), r.LedgerSeconds, perSecond(r.Sent, r.LedgerSeconds), r.ClickHouseSeconds)
	kinds := make([]string, 0, len(r.Kinds))
	for k := range r.Kinds {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	for _, k := range kinds {
		p.printf("  %-14s %10d\n", k, r.Kinds[k])
	}
	p.printf("killed: pipeline %d, sink %d, engine %d, broker %d; joins and leaves of one more pipeline: %d\n", r.Kills.Pipeline, r.Kills.Sink, r.Kills.Engine, r.Kills.Broker, r.Kills.Rebalances)
	if r.Ledger != nil {
		p.printf("%-22s %10s %10s %10s %10s\n", "latency, ms", "p50", "p99", "p999", "max")
		p.latency("due to append", r.Append)
		p.latency("append to ledger", *r.Ledger)
		p.latency("due to ClickHouse", *r.ClickHouse)
	}
	for _, problem := range r.Problems {
		p.printf("PROBLEM %s\n", problem)
	}
	if p.err == nil && r.Audit != nil {
		p.printf("audited in %.1f s\n", r.AuditSeconds)
		p.err = r.Audit.Write(w)
	}
	return p.err
}

func perSecond(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
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

func (p *printer) latency(name string, s Summary) {
	p.printf("%-34s %10.1f %10.1f %10.1f %10.1f\n", name, s.P50, s.P99, s.P999, s.Max)
}
