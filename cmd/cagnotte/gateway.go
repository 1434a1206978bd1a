package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"cagnotte/pipeline"
	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// GatewayCmd is the HTTP door for receipts. Any number of them may run.
type GatewayCmd struct {
	Listen        string        `default:"localhost:8090" help:"Address of /v1/receipts."`
	Currency      string        `default:"EUR" help:"The programme's currency, as of cagnotte run."`
	MaxReceiptAge time.Duration `default:"9600h" help:"As of cagnotte run; 0 accepts any age."`
	EventKeyFlag
	MetricsListen string `default:"127.0.0.1:9466" help:"Address of /metrics, /livez, /readyz and /startupz; empty for none."`
}

// Help returns examples.
func (GatewayCmd) Help() string {
	return `A 2xx answer means that the receipt is in Kafka, on all in-sync replicas. The door knows no users: put it behind a proxy that does, and that ends TLS.

Examples:
  cagnotte gateway --brokers kafka:9092 --schema-registry http://registry:8081 --listen :8090
  curl -d @receipt.json -H 'Content-Type: application/json' http://localhost:8090/v1/receipts`
}

// Run serves until the context ends.
func (c *GatewayCmd) Run(ctx context.Context, g *Globals) error {
	tel, err := startTelemetry(ctx, g, "gateway")
	if err != nil {
		return err
	}
	defer tel.close(ctx, g)
	cl, err := g.NewClient(ingest.ClientOpts()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	door, err := c.door(ctx, g, cl)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return exitf(ExitFailed, "--listen %s: %w: end what uses the port, or give another", c.Listen, err)
	}
	g.Logger.Info("gateway starts", "listen", ln.Addr().String(), "brokers", g.Brokers, "version", version())
	return c.serve(ctx, ln, tel, tel.traced(door), cl)
}

func (c *GatewayCmd) door(ctx context.Context, g *Globals, cl *kgo.Client) (http.Handler, error) {
	codec, err := g.NewCodec(ctx)
	if err != nil {
		return nil, err
	}
	partitions, err := partitionsOf(ctx, cl, schemas.TopicReceipts)
	if err != nil {
		return nil, err
	}
	eventKey, err := c.EventKeyFlag.read()
	if err != nil {
		return nil, err
	}
	policy := retail.DefaultPolicy()
	policy.Currency, policy.MaxAgeMs = c.Currency, retail.Instant(c.MaxReceiptAge.Milliseconds())
	return ingest.New(ingest.Options{
		Client: cl, Codec: codec, Policy: policy, Partitions: partitions, Logger: g.Logger, EventKey: eventKey, CheckEvent: pipeline.CheckEvent,
	}), nil
}

// partitionsOf returns the number of partitions of a topic.
func partitionsOf(ctx context.Context, cl *kgo.Client, topic string) (int32, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, topic)
	if err != nil {
		return 0, exitf(ExitUnreachable, "kafka does not answer: %w: check --brokers and the TLS and SASL flags", err)
	}
	n := len(topics[topic].Partitions)
	if n == 0 {
		return 0, exitf(ExitNotFound, "topic %s does not exist; create the topics first (cagnotte topic create)", topic)
	}
	return int32(n), nil
}

func (c *GatewayCmd) serve(ctx context.Context, ln net.Listener, tel *telemetry, door http.Handler, cl *kgo.Client) error {
	srv := &http.Server{Handler: door, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
	var reachable atomic.Bool
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("gateway: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return srv.Shutdown(stopCtx) // requests under way get their answer
	})
	group.Go(func() error { return watchKafka(ctx, cl, &reachable) })
	group.Go(func() error {
		always := func() bool { return true }
		return serveOps(ctx, c.MetricsListen, probes{live: always, ready: reachable.Load, started: always}, tel.metrics)
	})
	return group.Wait()
}

// watchKafka keeps reachable true while a broker answers, so that a gateway without Kafka gets no requests.
func watchKafka(ctx context.Context, cl *kgo.Client, reachable *atomic.Bool) error {
	for {
		pingCtx, cancel := context.WithTimeout(ctx, 3*time.Second)
		reachable.Store(cl.Ping(pingCtx) == nil)
		cancel()
		if sleep(ctx, 2*time.Second) != nil {
			return nil
		}
	}
}
