package schemas_test

import (
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/avro"
)

func BenchmarkDecodeReceipt12(b *testing.B) {
	codec, _, _ := startCodec(b)
	benchmarkDecode(b, codec, codec.AppendReceipt(nil, basket(12)))
}

// The same receipt with labels, and as writers of version 2 of the schema send it.
func BenchmarkDecodeReceipt12Labels(b *testing.B) {
	codec, _, _ := startCodec(b)
	benchmarkDecode(b, codec, codec.AppendReceipt(nil, labelled(12)))
}

func BenchmarkDecodeReceipt12Version2(b *testing.B) {
	codec, client, _ := startCodec(b)
	v2 := schemas.AvroSchemas()[1]
	benchmarkDecode(b, codec, frame(b, client, v2.Subject(), v2.Text, golden(b, v2)))
}

func benchmarkDecode(b *testing.B, codec *schemas.Codec, value []byte) {
	var r retail.Receipt
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if err := codec.DecodeReceipt(value, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeReceipt12(b *testing.B) {
	codec, _, _ := startCodec(b)
	r := basket(12)
	buf := codec.AppendReceipt(nil, r)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = codec.AppendReceipt(buf[:0], r)
	}
}

// The same receipt by the general decoder into a generic value: what a writer of another version costs, less the second half.
func BenchmarkDecodeReceipt12Generic(b *testing.B) {
	codec, _, _ := startCodec(b)
	value := codec.AppendReceipt(nil, basket(12))
	schema := avro.MustParse(current(b, "receipt"))
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		var v any
		if _, err := schema.Decode(value[5:], &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMessages(b *testing.B) {
	codec, _, _ := startCodec(b)
	for name, m := range messages(codec) {
		b.Run("decode/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(m.value)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.decode(m.value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
