package schemas_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unsafe"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/linkedin/goavro/v2"
)

// failure asserts that err is a DecodeError of the schema code whose detail holds want.
func failure(t *testing.T, err error, want string) *schemas.DecodeError {
	t.Helper()
	var d *schemas.DecodeError
	if !errors.As(err, &d) {
		t.Fatalf("got %v, want a DecodeError with %q", err, want)
	}
	if d.Code != retail.CodeSchema || !strings.Contains(d.Detail, want) {
		t.Fatalf("got %s %q, want %s with %q", d.Code, d.Detail, retail.CodeSchema, want)
	}
	return d
}

func TestDecodeReceiptRefuses(t *testing.T) {
	codec, _, _ := startCodec(t)
	good := codec.AppendReceipt(nil, basket(3))
	edit := func(change func([]byte) []byte) []byte { return change(bytes.Clone(good)) }
	replace := func(old, new string) []byte { return bytes.Replace(bytes.Clone(good), []byte(old), []byte(new), 1) }
	for _, c := range []struct {
		name, want string
		value      []byte
	}{
		{"empty", "value is empty", nil},
		{"one byte", "truncated: 1 bytes", []byte{0}},
		{"JSON", "not framed: first byte is 0x7b", []byte(`{"receipt_id":"x"}`)},
		{"other magic", "not framed: first byte is 0x01", edit(func(b []byte) []byte { b[0] = 1; return b })},
		{"header alone", "receipt_id: truncated", good[:5]},
		{"unknown id", "does not know this schema id", edit(func(b []byte) []byte { binary.BigEndian.PutUint32(b[1:], 999); return b })},
		{"trailing bytes", "2 bytes after the end", append(bytes.Clone(good), 0, 0)},
		{"cut in a line", "lines[1].category: length 20, 10 bytes are left at byte 281", good[:bytes.LastIndex(good, []byte("Caf"))-60]},
		{"negative length", "receipt_id: length -1", append(bytes.Clone(good[:5]), 1)},
		{"huge length", "receipt_id: length 2305843009213693951", append(bytes.Clone(good[:5]), 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f)},
		{"endless varint", "varint is longer than 64 bits", append(bytes.Clone(good[:5]), bytes.Repeat([]byte{0xff}, 12)...)},
		{"bad enum", "type: enum index 6, want 0 to 5", edit(func(b []byte) []byte { b[5+1+len("S001:T04:2026-12-01:4711")] = 12; return b })},
		{"bad boolean", "training: boolean", edit(func(b []byte) []byte { b[5+2+len("S001:T04:2026-12-01:4711")] = 2; return b })},
		{"bad union", "store.gln: union branch 2", replace("\x08S001\x02", "\x08S001\x04")},
		{"not UTF-8", "lines[0].description: text is not UTF-8", replace("Caf\xc3\xa9", "Caf\xc3\x28")},
		{"too many items", "coupons: 64 items", replace("\x02\x12C-2026-11\x00\x00\x02\x10Enc", "\x80\x01\x12C-2026-11\x00\x00\x02\x10Enc")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := basket(2)
			failure(t, codec.DecodeReceipt(c.value, r), c.want)
			if r.ID != "" || len(r.Lines) != 0 || r.Total != 0 {
				t.Fatalf("the failed receipt still holds %+v", r)
			}
		})
	}
}

// Every prefix of a good value, of every message, is refused: nothing is read past the end, nothing is taken for whole.
func TestDecodeRefusesEveryPrefix(t *testing.T) {
	codec, _, _ := startCodec(t)
	for name, m := range messages(codec) {
		value := m.value
		if err := m.decode(value); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range value {
			if err := m.decode(value[:n:n]); err == nil {
				t.Fatalf("%s: the first %d of %d bytes were taken for a whole value", name, n, len(value))
			}
		}
	}
}

type message struct {
	value  []byte
	decode func([]byte) error
}

// messages returns one full example of each message, with a decoder into a reused target.
func messages(codec *schemas.Codec) map[string]message {
	var r retail.Receipt
	var l schemas.LedgerRecord
	var b schemas.BalanceUpdate
	var d schemas.ReceiptDecision
	var m schemas.MetricBatch
	return map[string]message{
		"receipt":          {codec.AppendReceipt(nil, labelled(12)), func(v []byte) error { return codec.DecodeReceipt(v, &r) }},
		"ledger_record":    {codec.AppendLedger(nil, ledgerExample()), func(v []byte) error { return codec.DecodeLedger(v, &l) }},
		"balance_update":   {codec.AppendBalance(nil, balanceExample()), func(v []byte) error { return codec.DecodeBalance(v, &b) }},
		"receipt_decision": {codec.AppendDecision(nil, decisionExample()), func(v []byte) error { return codec.DecodeDecision(v, &d) }},
		"metric_batch":     {codec.AppendMetrics(nil, metricsExample()), func(v []byte) error { return codec.DecodeMetrics(v, &m) }},
	}
}

func ledgerExample() *schemas.LedgerRecord {
	return &schemas.LedgerRecord{Account: "acc-1", Currency: "EUR", ProcessedAt: 1796115601000, Entries: []ledger.Entry{{
		Account: "acc-1", Seq: 7, Kind: ledger.Earn, Amount: 150, PendingAfter: 150, AvailableAfter: -20, Campaign: "coffee-week", CampaignVersion: 2,
		Receipt: "r-1", Shop: "S001", At: 1796115600000, ActiveFrom: 1796288400000, ExpiresAt: 1827824400000, Reason: "capped",
		Postings: []ledger.Posting{{Book: ledger.MemberPending, Party: "acc-1", Amount: 150}, {Book: ledger.Funding, Party: "retailer", Amount: -150}},
	}, {Account: "acc-1", Seq: 8, Kind: ledger.Activate, Amount: 40, At: 1796115600000}, {Account: "acc-1", Seq: 9, Kind: ledger.Reserve, Amount: -500, Wallet: "points", Reference: "till-1:77", At: 1796115600000,
		ExpiresAt: 1796116500000, Postings: []ledger.Posting{{Book: ledger.MemberAvailable, Party: "acc-1", Amount: -500}, {Book: ledger.Held, Party: "acc-1", Amount: 500}}}}}
}

func balanceExample() *schemas.BalanceUpdate {
	return &schemas.BalanceUpdate{Account: "acc-1", Version: 8, Currency: "EUR", Pending: 150, Available: 20, LifetimeEarned: 12345, NextDueAt: 1796288400000, UpdatedAt: 1796115601000,
		Held: 30, Wallets: []schemas.WalletBalance{{Wallet: "points", Pending: 1, Available: 70000, Held: 500, LifetimeEarned: 70501}}}
}

func decisionExample() *schemas.ReceiptDecision {
	return &schemas.ReceiptDecision{
		Receipt: "r-1", Account: "acc-1", Shop: "S001", Channel: retail.Drive, Type: retail.Sale, EndedAt: 1796115600000, Total: 5123, Currency: "EUR", Partition: 11,
		Offset: 1 << 40, ProcessedAt: 1796115601000, RulesetVersion: 42, Results: []rules.Result{{
			Campaign: "coffee-week", Version: 2, Arm: rules.Treatment, Outcome: rules.Capped, Basis: 1500, Desired: 225, Granted: 150, CappedBy: "member", Period: 3,
			ActiveFrom: 1796288400000, ExpiresAt: 1827824400000, Funding: []ledger.Share{{Party: "retailer", Rate: 600_000}, {Party: "supplier-arabelle", Rate: 400_000}},
			Steps: []rules.Step{{Node: "when.min_spend", Code: "min_spend", Passed: true, Unit: rules.Minor, Observed: 1500, Expected: 1000},
				{Node: "channels", Code: "channel", Passed: true, Unit: rules.Text, ObservedText: "DRIVE", ExpectedText: "IN_STORE, DRIVE"}},
		}, {Campaign: "back-to-school", Version: 1, Outcome: rules.BelowThreshold}},
	}
}

func metricsExample() *schemas.MetricBatch {
	return &schemas.MetricBatch{
		Partition: 11, Counter: 900, AsOf: 1796115601000, CommittedAt: 1796115601050, EventAt: 1796115600000, InputOffset: 123456, LagRecords: 12, Receipts: 500, Members: 300,
		Duplicates: 1, Rejected: 2, Forwarded: 3, Net: 1234567, GrantedMinor: 4321, ReversedMinor: 21,
		Campaigns: []schemas.CampaignCell{{Campaign: "coffee-week", Version: 2, Arm: rules.Holdout, Minute: 1796115600000, Considered: 10, Qualified: 5, BasketSum: 40000,
			BasketSumSq: 1.5e9, Ghost: 99}},
		Shops: []schemas.ShopCell{{Shop: "S001", Receipts: 10, Members: 6, Net: 40000}},
	}
}

// Arrays may come in several blocks, and with the size of the block behind a negative count.
func TestBlocks(t *testing.T) {
	codec, _, _ := startCodec(t)
	r := basket(2)
	r.Coupons = []string{"a", "b", "c"}
	value := codec.AppendReceipt(nil, r)
	plainForm := []byte("\x06\x02a\x02b\x02c\x00")
	for name, blocks := range map[string]string{
		"two blocks":   "\x04\x02a\x02b\x02\x02c\x00",
		"sized blocks": "\x03\x08\x02a\x02b\x01\x04\x02c\x00",
		"mixed blocks": "\x01\x04\x02a\x04\x02b\x02c\x00",
	} {
		changed := bytes.Replace(value, plainForm, []byte(blocks), 1)
		if bytes.Equal(changed, value) {
			t.Fatal("the coupons were not found in the value")
		}
		var got retail.Receipt
		if err := codec.DecodeReceipt(changed, &got); err != nil || plain(got) != plain(r) {
			t.Errorf("%s: %v, %+v", name, err, got.Coupons)
		}
		oracle, err := goavro.NewCodec(current(t, "receipt"))
		if err != nil {
			t.Fatal(err)
		}
		if native, _, err := oracle.NativeFromBinary(changed[5:]); err != nil || canon(native) != canon(nativeReceipt(r)) {
			t.Errorf("%s: the oracle disagrees: %v", name, err)
		}
	}
	for name, blocks := range map[string]string{
		"size is negative":   "\x03\x01\x02a\x02b\x00",
		"size is too large":  "\x03\xfe\xff\x03\x02a\x02b\x00",
		"least of all longs": "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x02a\x00",
	} {
		changed := bytes.Replace(value, plainForm, []byte(blocks), 1)
		t.Run(name, func(t *testing.T) { failure(t, codec.DecodeReceipt(changed, new(retail.Receipt)), "coupons: block of") })
	}
}

// Decoded strings lie inside the value: nothing was copied.
func TestDecodeAliases(t *testing.T) {
	codec, _, _ := startCodec(t)
	value := codec.AppendReceipt(nil, basket(3))
	var r retail.Receipt
	if err := codec.DecodeReceipt(value, &r); err != nil {
		t.Fatal(err)
	}
	from := uintptr(unsafe.Pointer(unsafe.SliceData(value)))
	for _, s := range []string{string(r.ID), r.Lines[2].Description, r.Attributes[1].Value, string(r.Loyalty.AccountID)} {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(s))); at < from || at >= from+uintptr(len(value)) {
			t.Errorf("%q was copied", s)
		}
	}
}

// Steady decoding and encoding allocate nothing.
func TestNoAllocations(t *testing.T) {
	codec, _, _ := startCodec(t)
	for name, m := range messages(codec) {
		if n := testing.AllocsPerRun(100, func() { _ = m.decode(m.value) }); n != 0 {
			t.Errorf("decode of %s: %v allocations", name, n)
		}
	}
	buf := make([]byte, 0, 1<<16)
	r, l, b, d, m := labelled(12), ledgerExample(), balanceExample(), decisionExample(), metricsExample()
	if n := testing.AllocsPerRun(100, func() {
		buf = codec.AppendReceipt(buf[:0], r)
		buf = codec.AppendLedger(buf, l)
		buf = codec.AppendBalance(buf, b)
		buf = codec.AppendDecision(buf, d)
		buf = codec.AppendMetrics(buf, m)
	}); n != 0 {
		t.Errorf("encoding: %v allocations", n)
	}
}

// After a monster, a reused receipt does not keep its memory.
func TestMonsterIsLetGo(t *testing.T) {
	codec, _, _ := startCodec(t)
	var r retail.Receipt
	if err := codec.DecodeReceipt(codec.AppendReceipt(nil, basket(9000)), &r); err != nil || len(r.Lines) != 9000 {
		t.Fatalf("%d lines, %v", len(r.Lines), err)
	}
	if err := codec.DecodeReceipt(codec.AppendReceipt(nil, basket(2)), &r); err != nil || cap(r.Lines) > 100 {
		t.Fatalf("capacity for %d lines is kept (%v)", cap(r.Lines), err)
	}
}
