package pipeline

import (
	"reflect"
	"testing"
	"time"

	"cagnotte/pipeline/retail"

	"github.com/twmb/franz-go/pkg/kgo"
)

// An event is accepted once and remembered: its repeat is a duplicate, another event under its id a conflict. It earns nothing, whatever it sells.
func TestEventsAreRemembered(t *testing.T) {
	codec := simCodec(t)
	event := func(id, kind string, attributes ...retail.Attribute) *kgo.Record {
		r := retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Event, EndedAt: 946_900_000_000, Currency: "EUR", Loyalty: retail.Loyalty{AccountID: "a"}, Total: 9000,
			Lines:      []retail.Line{{No: 1, Kind: retail.SaleLine, Category: "GROCERY/COFFEE", QuantityMilli: 1000, Gross: 9000, Net: 9000}},
			Attributes: append(attributes, retail.Attribute{Key: retail.EventAttribute, Value: kind})}
		return &kgo.Record{Value: codec.AppendReceipt(nil, &r), Timestamp: time.UnixMilli(946_900_000_000)}
	}
	more := retail.Attribute{Key: "by", Value: "app"}
	records := []*kgo.Record{event("e1", "enrol", more), event("e1", "enrol", more), event("e1", "consent", more), event("e2", "recycling"), event("e3", "Recycling")}
	for i, r := range records {
		r.Offset = int64(i)
	}
	got := judgeAll(t, codec, records, func(*kgo.Record) bool { return true })
	if got.entries != 0 || got.duplicates != 1 || got.refused != 2 {
		t.Errorf("%d entries, %d duplicates, %d refused: %v", got.entries, got.duplicates, got.refused, got.said)
	}
}

// Only receipts are counted as such, in all and by shop.
func TestEventsAreNotCounted(t *testing.T) {
	var m metricsBuilder
	m.reset(3)
	r := retail.Receipt{Type: retail.Event, Shop: retail.Shop{ID: "S1"}, Loyalty: retail.Loyalty{AccountID: "a"}, Total: 100}
	before := m.batch
	if m.accept(&r); !reflect.DeepEqual(m.batch, before) {
		t.Errorf("an event was counted: %+v", m.batch)
	}
	r.Type, r.Attributes = retail.Void, []retail.Attribute{{Key: retail.EventAttribute, Value: "enrol"}}
	if m.accept(&r); !reflect.DeepEqual(m.batch, before) {
		t.Errorf("the void of an event was counted: %+v", m.batch)
	}
	r.Type = retail.Sale
	if m.accept(&r); m.batch.Receipts != 1 || m.batch.Members != 1 || m.batch.Net != 100 || len(m.batch.Shops) != 1 {
		t.Errorf("a sale was not counted: %+v", m.batch)
	}
}
