package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errSetup marks an error that waiting does not heal.
var errSetup = errors.New("set-up")

// client opens a Kafka client with the deployment's options and opts on top. The caller closes it.
func (o *Options) client(opts ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{kgo.SeedBrokers(o.Brokers...), kgo.ClientID(o.transactionalID()), kgo.RetryTimeout(30 * time.Second)}
	cl, err := kgo.NewClient(append(append(base, o.ClientOpts...), opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return cl, nil
}

// transactionalID is stable over restarts of an instance, so that its next life fences the last.
func (o *Options) transactionalID() string { return o.Group + "-" + o.Instance }

// partitionCount returns the number of partitions of the receipts topic and checks that every co-partitioned topic has as many.
func (p *Pipeline) partitionCount(ctx context.Context) (int32, error) {
	cl, err := p.opts.client()
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	names := make([]string, 0, 8)
	for _, t := range schemas.Topics() {
		names = append(names, t.Name)
	}
	details, err := kadm.NewClient(cl).ListTopics(ctx, names...)
	if err != nil {
		return 0, fmt.Errorf("list topics: %w", err)
	}
	n := len(details[schemas.TopicReceipts].Partitions)
	for _, t := range schemas.Topics() {
		d := details[t.Name]
		if d.Err != nil || len(d.Partitions) == 0 {
			return 0, fmt.Errorf("topic %s is missing: create the topics first (cagnotte topic create): %w", t.Name, errors.Join(d.Err))
		}
		if t.Partitioned && len(d.Partitions) != n {
			return 0, fmt.Errorf("%w: topic %s has %d partitions, %s has %d: co-partitioned topics need the same number", errSetup, t.Name, len(d.Partitions), schemas.TopicReceipts, n)
		}
	}
	p.receiptsID = details[schemas.TopicReceipts].ID
	return int32(n), nil
}
