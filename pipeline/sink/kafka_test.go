package sink

import (
	"context"
	"os"
	"testing"
	"time"

	"cagnotte/loadtest/cluster"
	"cagnotte/pipeline/sink/sinktest"
	"cagnotte/schemas/engine/enginetest"
)

// The suite on a real Apache Kafka: what a fake broker says about groups, generations and transactions has to hold there.
func TestConformanceKafka(t *testing.T) {
	if os.Getenv("CAGNOTTE_REAL_KAFKA") != "1" {
		t.Skip("takes a minute and 400 MB per broker: set CAGNOTTE_REAL_KAFKA=1")
	}
	sinktest.Exercise(t, sinktest.Setup{Brokers: realBroker, Engine: enginetest.StartWith}, run)
}

func realBroker(tb testing.TB, partitions int32) []string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	broker, err := cluster.StartKafka(ctx, cluster.KafkaOptions{Dir: tb.TempDir(), Partitions: partitions, HeapMB: 384, Progress: tb.Output()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = broker.Stop(ctx)
	})
	return broker.Brokers
}
