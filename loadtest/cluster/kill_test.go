package cluster_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"cagnotte/loadtest/cluster"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

var killTopics = []string{schemas.TopicLedger, schemas.TopicBalances, schemas.TopicDecisions, schemas.TopicChangelog}

// Goal: a killed fake broker behaves as a killed real one. Method: one producer writes a token to all partitions of four topics in one
// transaction after the other; the broker is killed amid them and started again; read committed, each token is in all partitions or in none, what
// was acknowledged is there, and what an earlier round saw does not change. CAGNOTTE_KILLS sets the number of kills.
func TestKilledFakeIsAtomic(t *testing.T) {
	kills := 6
	if v, err := strconv.Atoi(os.Getenv("CAGNOTTE_KILLS")); err == nil {
		kills = v
	}
	c, err := cluster.StartFakeChild(cluster.FakeOptions{Dir: t.TempDir(), Partitions: partitions, LogWriter: testLog{t}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Kill()
	before, acked := map[string]int{}, []string{}
	for round := range kills {
		acked = append(acked, produceUntilKilled(t, c, round)...)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if err := c.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		now := countTokens(t, ctx, c)
		cancel()
		for token, n := range now {
			if n != len(killTopics)*partitions {
				t.Errorf("round %d: %s is in %d of %d partitions", round, token, n, len(killTopics)*partitions)
			}
			if before[token] == 0 && token < prefix(round) {
				t.Errorf("round %d: %s came back", round, token)
			}
		}
		for _, token := range acked {
			if now[token] == 0 {
				t.Errorf("round %d: %s was acknowledged and is lost", round, token)
			}
		}
		before = now
	}
	t.Logf("%d kills, %d transactions committed", kills, len(acked))
	if len(acked) == 0 {
		t.Error("no transaction was ever committed: the test has seen nothing")
	}
}

func prefix(round int) string { return fmt.Sprintf("r%04d", round) }

// produceUntilKilled returns the tokens of the transactions that were acknowledged.
func produceUntilKilled(t *testing.T, c *cluster.Cluster, round int) []string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.TransactionalID("killed"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	time.AfterFunc(time.Duration(60+round*37%150)*time.Millisecond, func() {
		c.Kill()
		cancel()
	})
	var acked []string
	for i := 0; ctx.Err() == nil; i++ {
		token := fmt.Sprintf("%s-%06d", prefix(round), i)
		if cl.BeginTransaction() != nil {
			break
		}
		for _, topic := range killTopics {
			for p := range int32(partitions) {
				cl.Produce(ctx, &kgo.Record{Topic: topic, Partition: p, Value: []byte(token)}, nil)
			}
		}
		if cl.Flush(ctx) != nil || cl.EndTransaction(ctx, kgo.TryCommit) != nil {
			break
		}
		acked = append(acked, token)
	}
	<-ctx.Done()
	return acked
}

func countTokens(t *testing.T, ctx context.Context, c *cluster.Cluster) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, topic := range killTopics {
		for _, r := range readAll(t, ctx, c, topic) {
			count[string(r.Value)]++
		}
	}
	return count
}
