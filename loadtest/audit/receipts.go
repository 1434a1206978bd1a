package audit

import (
	"context"

	"cagnotte/loadtest/model"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// receipts replays the partition through the model and compares the topic with what was sent.
func (p *part) receipts(ctx context.Context) error {
	m := model.NewPartition(p.a.o.Campaigns, p.a.o.Limits, p.a.o.Reader, p.number, p.a.o.Partitions)
	cuts, err := p.budgetCuts(ctx)
	if err != nil {
		return err
	}
	m.Cuts(cuts)
	var sent []sentRecord
	if p.a.o.Sent != nil {
		sent = p.a.o.Sent.of(p.number)
	}
	extras := map[uint64]int64{}
	refused := 0
	err = p.a.each(ctx, topicReceipts, p.number, func(r *kgo.Record) error {
		hash := xxhash.Sum64(r.Value)
		sent = p.tick(sent, r.Offset, hash, extras)
		if err := m.Feed(model.Record{Offset: r.Offset, Appended: r.Timestamp.UnixMilli(), Value: r.Value}); err != nil {
			return err
		}
		if n := len(m.Expected().Dead); n > refused {
			refused = n
			p.deadValues[r.Offset] = hash
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range sent {
		p.a.report.differ(Lost, "sent, not on the topic", 0, "partition %d offset %d was acknowledged and is not there", p.number, s.offset)
	}
	p.expected = m.Expected()
	p.a.report.saw("receipt records", p.expected.Records)
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	p.a.extras[p.number] = extras
	return nil
}

// tick strikes a record off the list of what was sent and returns the rest. What was not sent by the driver is an extra: a forwarded copy, or a fault.
func (p *part) tick(sent []sentRecord, offset int64, hash uint64, extras map[uint64]int64) []sentRecord {
	for len(sent) > 0 && sent[0].offset < offset {
		p.a.report.differ(Lost, "sent, not on the topic", 0, "partition %d offset %d was acknowledged and is not there", p.number, sent[0].offset)
		sent = sent[1:]
	}
	if len(sent) == 0 || sent[0].offset != offset {
		extras[hash]++
		return sent
	}
	if sent[0].hash != hash {
		p.a.report.differ(Other, "sent, other bytes on the topic", 0, "partition %d offset %d has other bytes than were sent", p.number, offset)
	}
	return sent[1:]
}

// forwards compares the misplaced records with the copies on their own partitions: each one once. Without a list of what was sent, copies cannot be
// told from originals.
func (a *auditor) forwards() {
	a.report.saw("misplaced records", int64(len(a.moved)))
	if a.o.Sent == nil {
		return
	}
	for _, m := range a.moved {
		if a.extras[m.To][m.Hash] == 0 {
			a.report.differ(Lost, "misplaced, not forwarded", 0, "partition %d offset %d belongs to partition %d and was not forwarded there", m.from, m.Offset, m.To)
			continue
		}
		a.extras[m.To][m.Hash]--
	}
	for partition, hashes := range a.extras {
		for hash, n := range hashes {
			if n > 0 {
				a.report.differ(Doubled, "on the topic, neither sent nor forwarded once", 0, "partition %d has %d records too many with the value hash %x", partition, n, hash)
			}
		}
	}
}
