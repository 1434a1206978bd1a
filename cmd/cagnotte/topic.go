package main

import (
	"context"
	"time"

	"cagnotte/loadtest/cluster"
)

// TopicCmd manages the topics.
type TopicCmd struct {
	Create TopicCreateCmd `cmd:"" help:"Create the topics that are missing. Idempotent."`
}

// TopicCreateCmd is cagnotte topic create.
type TopicCreateCmd struct {
	Partitions  int32 `default:"12" help:"Partitions of the partitioned topics: the number of processes that may share the work. It cannot be changed later."`
	Replication int16 `help:"Replicas of each partition (default: 3, or the number of brokers when there are fewer)."`
}

// Help returns examples.
func (TopicCreateCmd) Help() string {
	return "Examples:\n  cagnotte topic create --brokers kafka:9092 --partitions 24 --replication 3"
}

// Run creates the topics.
func (c *TopicCreateCmd) Run(ctx context.Context, g *Globals) error {
	if c.Partitions < 1 || c.Partitions > 10_000 {
		return exitf(ExitUsage, "--partitions %d: want 1 to 10000", c.Partitions)
	}
	opts, err := g.ClientOpts()
	if err != nil {
		return err
	}
	if c.Replication == 0 {
		if c.Replication, err = replication(ctx, opts); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := cluster.CreateTopics(ctx, g.Brokers, c.Partitions, c.Replication, opts...); err != nil {
		return exitf(ExitUnreachable, "%w", err)
	}
	g.say("the topics are there: %d partitions, %d replicas", c.Partitions, c.Replication)
	return nil
}
