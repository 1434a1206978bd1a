package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline"
	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/explain/evidence"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// derivation derives one decision again: it reads the member's partition from its beginning and lets the pipeline's own code judge the member's receipts.
type derivation struct {
	g        *Globals
	replay   *pipeline.Replay
	head     *explain.Head
	needle   []byte
	versions []evidence.RulesetAt
	newest   int64 // ruleset version, where no decision tells another
	out      *explain.Derived
	told     time.Time
}

func (c *ReceiptExplainCmd) derive(ctx context.Context, g *Globals, reader *evidence.Reader, facts *explain.Facts) (*explain.Derived, error) {
	codec, err := g.NewCodec(ctx)
	if err != nil {
		return nil, err
	}
	docs, newest, err := campaignRecords(ctx, g)
	if err != nil {
		return nil, err
	}
	h := facts.Receipt
	cl, err := g.NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(4<<20))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	partitions, err := partitionsOf(ctx, cl, schemas.TopicReceipts)
	if err != nil {
		return nil, err
	}
	policy := retail.DefaultPolicy()
	policy.Currency, policy.MaxAgeMs = h.Currency, retail.Instant(c.MaxReceiptAge.Milliseconds())
	cuts, err := budgetCuts(ctx, reader, h)
	if err != nil {
		return nil, err
	}
	replay, err := pipeline.NewReplay(pipeline.ReplayOptions{
		Codec: codec, Policy: policy, Currency: h.Currency, Partition: h.Partition, Partitions: partitions, Campaigns: docs, Cuts: cuts, Logger: g.Logger,
	})
	if err != nil {
		return nil, err
	}
	defer replay.Close()
	d := &derivation{g: g, replay: replay, head: h, needle: []byte(h.Account), newest: newest, out: &explain.Derived{To: h.Offset}}
	if len(d.needle) == 0 {
		d.needle = []byte(h.ID)
	}
	if d.versions, err = d.rulesets(ctx, reader, facts); err != nil {
		return nil, err
	}
	return d.out, d.read(ctx, cl)
}

// budgetCuts returns what the recorded decisions of the member say of budgets: what they had left follows from everybody's receipts.
func budgetCuts(ctx context.Context, reader *evidence.Reader, h *explain.Head) (map[int64][]pipeline.BudgetCut, error) {
	list, err := reader.BudgetCuts(ctx, h.Partition, h.Account, h.Offset)
	if err != nil {
		return nil, err
	}
	out := map[int64][]pipeline.BudgetCut{}
	for _, c := range list {
		out[c.Offset] = append(out[c.Offset], pipeline.BudgetCut{Campaign: c.Campaign, Code: rules.StepCode(c.Code), Left: money.Amount(c.Left)})
	}
	return out, nil
}

// rulesets returns from which offset on which rules were known. The recorded decision's own says it for the receipt itself.
func (d *derivation) rulesets(ctx context.Context, reader *evidence.Reader, facts *explain.Facts) ([]evidence.RulesetAt, error) {
	list, err := reader.Rulesets(ctx, d.head.Partition, d.head.Account, d.head.Offset)
	if err != nil {
		return nil, err
	}
	if facts.Decision != nil {
		list = append(list, evidence.RulesetAt{Offset: d.head.Offset, Version: facts.Decision.RulesetVersion})
	}
	return list, nil
}

// version is the ruleset that a record was judged with.
func (d *derivation) version(offset int64) int64 {
	if len(d.versions) == 0 {
		return d.newest
	}
	v := d.versions[0].Version
	for _, r := range d.versions {
		if r.Offset <= offset {
			v = r.Version
		}
	}
	return v
}

// read goes through the partition from its beginning to the receipt. A receipt without an account stands alone, so it is the only record to read.
func (d *derivation) read(ctx context.Context, cl *kgo.Client) error {
	starts, err := kadm.NewClient(cl).ListStartOffsets(ctx, schemas.TopicReceipts)
	if err != nil {
		return exitf(ExitUnreachable, "brokers %v: %w", d.g.Brokers, err)
	}
	start, _ := starts.Lookup(schemas.TopicReceipts, d.head.Partition)
	from := start.Offset
	if d.out.From = from; d.head.Account == "" {
		from, d.out.From = max(from, d.head.Offset), 0
	}
	if from > d.head.Offset {
		return exitf(ExitNotFound, "the log no longer holds the receipt: partition %d begins at offset %d, the receipt was at %d", d.head.Partition, from, d.head.Offset)
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicReceipts: {d.head.Partition: kgo.NewOffset().At(from)}})
	reader := topicReader{g: d.g}
	err = reader.raw(ctx, cl, map[int32]int64{d.head.Partition: d.head.Offset + 1}, d.one)
	d.tell(true)
	if errors.Is(err, errFound) {
		return nil
	}
	if err == nil {
		err = exitf(ExitNotFound, "partition %d has no receipt at offset %d: is this the Kafka that ClickHouse was filled from?", d.head.Partition, d.head.Offset)
	}
	return err
}

// one takes one record of the partition. The member's token stands in a record as it is, so most are passed over without being decoded.
func (d *derivation) one(rec *kgo.Record) error {
	d.out.Records++
	d.tell(false)
	if rec.Offset > d.head.Offset {
		return nil
	}
	if rec.Offset != d.head.Offset && !bytes.Contains(rec.Value, d.needle) {
		return d.replay.Pass(rec)
	}
	version := d.version(rec.Offset)
	got, err := d.replay.Judge(rec, version)
	if err != nil {
		return err
	}
	d.out.Judged++
	if rec.Offset != d.head.Offset {
		return nil
	}
	d.keep(&got, version)
	return errFound
}

// keep copies what was derived: it is the replay's.
func (d *derivation) keep(got *pipeline.Judged, version int64) {
	d.out.Ruleset = version
	switch {
	case got.Refused != "":
		d.out.Instead = "refused, " + string(got.Refused)
	case got.Duplicate:
		d.out.Instead = "duplicate"
	case got.Forwarded:
		d.out.Instead = "forwarded to another partition"
	case got.Receipt != d.head.ID:
		d.out.Instead = "another receipt, " + string(got.Receipt)
	}
	for _, r := range got.Results {
		r.Steps, r.Funding, r.CappedBy = slices.Clone(r.Steps), slices.Clone(r.Funding), strings.Clone(r.CappedBy)
		for i := range r.Steps {
			r.Steps[i].ObservedText, r.Steps[i].ExpectedText = strings.Clone(r.Steps[i].ObservedText), strings.Clone(r.Steps[i].ExpectedText)
		}
		d.out.Results = append(d.out.Results, r)
	}
	for _, e := range got.Entries {
		e.Postings = slices.Clone(e.Postings)
		e.Receipt, e.Shop = retail.ReceiptID(strings.Clone(string(e.Receipt))), retail.ShopID(strings.Clone(string(e.Shop)))
		d.out.Entries = append(d.out.Entries, e)
	}
}

// tell shows on a terminal how far the reading is.
func (d *derivation) tell(last bool) {
	if !isTerminal(d.g.Err) || (!last && time.Since(d.told) < 200*time.Millisecond) {
		return
	}
	d.told = time.Now()
	fmt.Fprintf(d.g.Err, "\r\x1b[Kreading partition %d: %s records to offset %s, %s of this member", d.head.Partition, grouped(d.out.Records), grouped(d.head.Offset), grouped(d.out.Judged))
	if last {
		fmt.Fprint(d.g.Err, "\r\x1b[K")
	}
}

// campaignRecords reads the campaigns topic to its end, and returns its records and that end.
func campaignRecords(ctx context.Context, g *Globals) ([]*kgo.Record, int64, error) {
	cl, err := g.NewClient(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicCampaigns: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, 0, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	end, err := campaignsEnd(ctx, cl)
	if err != nil {
		return nil, 0, err
	}
	var records []*kgo.Record
	for next, empty := int64(0), 0; next < end && empty < 3; {
		n := 0
		pollCampaigns(ctx, cl).EachRecord(func(r *kgo.Record) {
			n, next, records = n+1, r.Offset+1, append(records, r)
		})
		if n == 0 {
			empty++ // compaction and transaction markers can hide the last offsets
		}
		if ctx.Err() != nil {
			return nil, 0, exitf(ExitUnreachable, "read %s: %w", schemas.TopicCampaigns, ctx.Err())
		}
	}
	return records, end, nil
}
