package schemas_test

import (
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/linkedin/goavro/v2"
)

// fuzzMessage feeds arbitrary bytes to one decoder. What it accepts must survive a round trip, and the oracle must be able to read it - but for a map
// that holds a key twice: Avro does not forbid it, the last value holds here and in Java, and the oracle alone refuses.
func fuzzMessage[T any](f *testing.F, name string, encode func(*schemas.Codec, []byte, *T) []byte, decode func(*schemas.Codec, []byte, *T) error, seeds ...*T) {
	codec, _, _ := startCodec(f)
	oracle, err := goavro.NewCodec(current(f, name))
	if err != nil {
		f.Fatal(err)
	}
	good := messages(codec)[name].value
	for _, n := range []int{5, 6, 20, len(good) / 2, len(good) - 1, len(good)} {
		f.Add(good[5:n])
	}
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	for _, s := range seeds {
		f.Add(encode(codec, nil, s)[5:])
	}
	id := binary.BigEndian.Uint32(good[1:])
	var reused, again T
	f.Fuzz(func(t *testing.T, body []byte) {
		value := append(binary.BigEndian.AppendUint32([]byte{0}, id), body...)
		if decode(codec, value, &reused) != nil {
			return
		}
		_, rest, err := oracle.NativeFromBinary(body)
		if twice := err != nil && strings.Contains(err.Error(), "duplicate key"); !twice && (err != nil || len(rest) > 0) {
			t.Fatalf("accepted, but the oracle says %v, %d bytes left", err, len(rest))
		}
		text := plain(&reused)
		if err := decode(codec, encode(codec, nil, &reused), &again); err != nil || plain(&again) != text {
			t.Fatalf("round trip: %v\n%s\n%s", err, text, plain(&again))
		}
	})
}

func FuzzDecodeReceipt(f *testing.F) {
	twice := basket(1)
	twice.Attributes = []retail.Attribute{{Key: "bags", Value: "1"}, {Key: "bags", Value: "2"}}
	fuzzMessage(f, "receipt", (*schemas.Codec).AppendReceipt, (*schemas.Codec).DecodeReceipt, twice)
}

func FuzzDecodeLedger(f *testing.F) {
	fuzzMessage[schemas.LedgerRecord](f, "ledger_record", (*schemas.Codec).AppendLedger, (*schemas.Codec).DecodeLedger)
}

func FuzzDecodeBalance(f *testing.F) {
	fuzzMessage[schemas.BalanceUpdate](f, "balance_update", (*schemas.Codec).AppendBalance, (*schemas.Codec).DecodeBalance)
}

func FuzzDecodeDecision(f *testing.F) {
	fuzzMessage[schemas.ReceiptDecision](f, "receipt_decision", (*schemas.Codec).AppendDecision, (*schemas.Codec).DecodeDecision)
}

func FuzzDecodeMetrics(f *testing.F) {
	infinite, none := metricsExample(), metricsExample()
	infinite.Campaigns[0].BasketSumSq, none.Campaigns[0].BasketSumSq = math.Inf(1), math.NaN()
	fuzzMessage(f, "metric_batch", (*schemas.Codec).AppendMetrics, (*schemas.Codec).DecodeMetrics, infinite, none)
}

// FuzzFraming feeds whole values, framing included: other ids take the way through the registry.
func FuzzFraming(f *testing.F) {
	codec, client, _ := startCodec(f)
	if _, err := client.RegisterSchema(f.Context(), "tills-of-old", avroSchema(olderSchema), -1, -1); err != nil {
		f.Fatal(err)
	}
	for _, m := range messages(codec) {
		f.Add(m.value)
	}
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 6, 1, 2, 3})
	var r retail.Receipt
	for id := byte(1); id <= 6; id++ {
		_ = codec.DecodeReceipt([]byte{0, 0, 0, 0, id}, &r) // fetches the writer's schema, once
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) >= 5 && binary.BigEndian.Uint32(value[1:])-1 > 5 {
			return // unknown to the registry: a test of its own covers it
		}
		if err := codec.DecodeReceipt(value, &r); err == nil {
			codec.AppendReceipt(nil, &r)
		}
	})
}

// FuzzReadNext reads any bytes as a block of receipts of another writer, whose layout is resolved by a general library. Goal: no panic, memory in
// proportion to the bytes, progress, and receipts that are written and read back as they are.
func FuzzReadNext(f *testing.F) {
	resolving, err := schemas.NewReceiptReader(newer(f))
	if err != nil {
		f.Fatal(err)
	}
	same, err := schemas.NewReceiptReader(current(f, "receipt"))
	if err != nil {
		f.Fatal(err)
	}
	native := nativeReceipt(basket(2))
	native["weather"] = nil
	for _, l := range native["lines"].([]any) {
		l.(object)["aisle"] = 1
	}
	one := write(f, newer(f), native)
	f.Add(append(slices.Clone(one), one...))
	f.Add(one[:len(one)-1])
	for _, at := range []int{len(one) - 1, len(one) / 2, 20} { // a block that claims 2^40 items
		f.Add(append(slices.Clone(one[:at]), "\x80\x80\x80\x80\x80\x80\x01\x00"...))
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var r, again retail.Receipt
		size := uint64(len(block))
		for n := 0; n < 8 && len(block) > 0; n++ {
			rest, err := resolving.ReadNext(block, &r)
			if err != nil {
				break
			}
			if len(rest) >= len(block) {
				t.Fatalf("%d bytes, %d left", len(block), len(rest))
			}
			block = rest
			if err := same.Read(schemas.AppendReceiptBody(nil, &r), &again); err != nil || plain(&again) != plain(&r) {
				t.Fatalf("%v\n%s\n%s", err, plain(&r), plain(&again))
			}
		}
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20+size<<12 {
			t.Fatalf("%d bytes took %d bytes of memory", size, spent)
		}
	})
}
