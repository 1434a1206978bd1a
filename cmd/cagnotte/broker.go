package main

import (
	"context"

	"cagnotte/loadtest/cluster"
)

// BrokerCmd runs the development broker as a process, for tools and for looking at one alone.
type BrokerCmd struct {
	Dir        string `arg:"" optional:"" type:"path" help:"Data directory; without one, everything is in memory."`
	Port       int    `default:"9092" help:"Loopback port."`
	Partitions int32  `default:"8" help:"Partitions of the topics it creates."`
}

// Run serves until the context ends.
func (c *BrokerCmd) Run(ctx context.Context, g *Globals) error {
	broker, err := cluster.StartFake(cluster.FakeOptions{Dir: c.Dir, Port: c.Port, Partitions: c.Partitions, LogWriter: g.Err})
	if err != nil {
		return err
	}
	g.say("broker on %s", broker.Brokers[0])
	<-ctx.Done()
	return broker.Stop(context.WithoutCancel(ctx))
}
