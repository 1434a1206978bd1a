package schemas_test

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/sr"
)

// startCodec returns a codec on a registry of its own, with a client of that registry.
func startCodec(t testing.TB) (*schemas.Codec, *sr.Client, *schemas.Registry) {
	t.Helper()
	registry, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	codec, client := codecOn(t, registry)
	return codec, client, registry
}

func codecOn(t testing.TB, registry *schemas.Registry) (*schemas.Codec, *sr.Client) {
	t.Helper()
	client, err := sr.NewClient(sr.URLs(registry.URL()))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(context.Background(), client)
	if err != nil {
		t.Fatal(err)
	}
	return codec, client
}

func TestReceiptRoundTrip(t *testing.T) {
	codec, _, _ := startCodec(t)
	want := basket(12)
	value := codec.AppendReceipt(nil, want)
	var got retail.Receipt
	if err := codec.DecodeReceipt(value, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, &got) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
}

func TestRegistryKeepsIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "registry.json")
	value := make([][]byte, 3)
	for i := range value {
		registry, err := schemas.StartRegistry(path)
		if err != nil {
			t.Fatal(err)
		}
		codec, _ := codecOn(t, registry)
		value[i] = codec.AppendMetrics(nil, &schemas.MetricBatch{Counter: 3})
		if err := registry.Close(); err != nil {
			t.Fatal(err)
		}
		if string(value[i]) != string(value[0]) {
			t.Fatalf("start %d frames %x, the first start %x", i, value[i][:5], value[0][:5])
		}
	}
}
