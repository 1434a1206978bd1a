package cluster

import (
	"context"
	"errors"
	"fmt"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// CreateTopics creates every topic of the product (schemas.Topics) and is idempotent: topics that exist are left alone. It refuses when one of
// the partitioned topics exists with another number of partitions, as tasks, their input and their changelog must agree on it. opts carry TLS and
// SASL where the brokers want them.
func CreateTopics(ctx context.Context, brokers []string, partitions int32, replication int16, opts ...kgo.Opt) error {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...)}, opts...)...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	for _, spec := range schemas.Topics() {
		if err := createTopic(ctx, adm, spec, partitions, replication); err != nil {
			return err
		}
	}
	return checkPartitions(ctx, adm, partitions)
}

func createTopic(ctx context.Context, adm *kadm.Client, spec schemas.TopicSpec, partitions int32, replication int16) error {
	if !spec.Partitioned {
		partitions = 1
	}
	configs := make(map[string]*string, len(spec.Config))
	for k, v := range spec.Config {
		configs[k] = &v
	}
	resp, err := adm.CreateTopic(ctx, partitions, replication, configs, spec.Name)
	if err == nil {
		err = resp.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", spec.Name, err)
	}
	return nil
}

func checkPartitions(ctx context.Context, adm *kadm.Client, want int32) error {
	var names []string
	for _, spec := range schemas.Topics() {
		if spec.Partitioned {
			names = append(names, spec.Name)
		}
	}
	topics, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("create topics: list them: %w", err)
	}
	for _, name := range names {
		if got := len(topics[name].Partitions); got != int(want) && topics[name].Err == nil {
			return fmt.Errorf("create topics: %s exists with %d partitions, wanted %d: state is bound to the number of partitions, keep it or start on new topics", name, got, want)
		}
	}
	return nil
}
