package ingest_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

const redeem = `{"event_id":"e1","event":"redeem","at":"2026-01-01T17:30:00+01:00","store_id":"S1","attributes":{"amount":"5.00"}}`

// An event in its short form is the receipt that it stands for: on the partition of its account, once, signed where a deployment asks for it.
func TestEventIsInTheStream(t *testing.T) {
	d := open(t, func(o *ingest.Options) {
		o.Policy.MaxAgeMs = 0
		o.CheckEvent = func(r *retail.Receipt) *retail.Problem {
			if r.Attribute("amount") == "" {
				return &retail.Problem{Code: retail.CodeEvent, Path: "/attributes/amount", Observed: "nothing", Expected: "an amount"}
			}
			return nil
		}
		o.EventKey = []byte("a key of sixteen")
	})
	if got := d.post(t, "/v1/members/acc%2F7/events", redeem); got.Status != 202 || got.outcome() != "accepted" || got.ReceiptID != "e1" {
		t.Fatalf("%+v", got)
	}
	for _, again := range []string{redeem, strings.Replace(redeem, `"2026-01-01T17:30:00+01:00"`, "1767285000000", 1), strings.Replace(redeem, "17:30:00+01:00", "16:30:00Z", 1)} {
		if got := d.post(t, "/v1/members/acc%2F7/events", again); got.Status != 200 || got.outcome() != "duplicate" {
			t.Fatalf("a repeat: %+v", got)
		}
	}
	if got := d.post(t, "/v1/members/acc%2F7/events", strings.Replace(redeem, "5.00", "6.00", 1)); got.Status != 422 || got.Code != "RCP-0002" {
		t.Fatalf("other content: %+v", got)
	}
	rec := d.records(t, 1)[0]
	var r retail.Receipt
	if err := d.codec.DecodeReceipt(rec.Value, &r); err != nil {
		t.Fatal(err)
	}
	if r.Type != retail.Event || r.EventKind() != "redeem" || r.Attribute("amount") != "5.00" || r.Shop.ID != "S1" || r.Loyalty.AccountID != "acc/7" || r.EndedAt != 1767285000000 {
		t.Errorf("%+v", r)
	}
	if string(rec.Key) != "acc/7" || rec.Partition != schemas.PartitionOf("acc/7", partitions) || len(rec.Headers) != 1 || rec.Headers[0].Key != schemas.HeaderSignature || string(rec.Headers[0].Value) != string(schemas.SignEvent([]byte("a key of sixteen"), rec.Key, rec.Value)) {
		t.Errorf("key %s on partition %d with %v", rec.Key, rec.Partition, rec.Headers)
	}
}

// What an event does not say is refused at the door, with the place.
func TestBadEvents(t *testing.T) {
	d := open(t, func(o *ingest.Options) {
		o.Policy.MaxAgeMs = 0
		o.CheckEvent = func(*retail.Receipt) *retail.Problem {
			return &retail.Problem{Code: retail.CodeEvent, Path: "/attributes/hold", Observed: "nothing", Expected: "the id of the reservation"}
		}
	})
	for body, want := range map[string]struct {
		status     int
		code, path string
	}{
		redeem:                                   {422, "RCP-0013", "/attributes/hold"},
		`{`:                                      {400, "RCP-0001", ""},
		`[]`:                                     {422, "RCP-0001", ""},
		strings.Replace(redeem, `"e1"`, `""`, 1): {422, "RCP-0001", "/event_id"},
		strings.Replace(redeem, `"redeem"`, `"Redeem"`, 1):                {422, "RCP-0001", "/attributes/event"},
		strings.Replace(redeem, `"at"`, `"when"`, 1):                      {422, "RCP-0001", ""},
		strings.Replace(redeem, `"event":"redeem",`, "", 1):               {422, "RCP-0001", "/event"},
		strings.Replace(redeem, `"2026-01-01T17:30:00+01:00"`, "null", 1): {422, "RCP-0001", "/at"},
		redeem + redeem: {400, "RCP-0001", ""},
	} {
		if got := d.post(t, "/v1/members/a/events", body); got.Status != want.status || got.Code != want.code || got.Errors[0].Path != want.path {
			t.Errorf("%s: %+v", body, got)
		}
	}
	if got := d.do(t, "GET", "/v1/members/a/events", ""); got.Status != 405 {
		t.Errorf("%+v", got)
	}
}
