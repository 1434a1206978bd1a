package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"cagnotte/loadtest/cluster"
	"cagnotte/pipeline"
	"cagnotte/schemas"
	"cagnotte/schemas/engine"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// devBackend is what the runtime stands on.
type devBackend struct {
	brokers    []string
	opts       []kgo.Opt
	embedded   bool // the broker is ours
	registry   string
	clickhouse string
	codec      *schemas.Codec
	partitions int32
}

// start brings the parts up. They are stopped in the opposite order, which is the order that loses nothing:
//
//	shops | replay     first: nothing new comes in, what was sent is acknowledged
//	   v
//	pages, /v1         requests under way are answered
//	   v
//	pipeline           commits what it holds, writes its state back, leaves the group
//	   v
//	sink               writes its last block; what it did not get to waits in Kafka
//	   v
//	ClickHouse         merges nothing more, syncs
//	   v
//	registry, broker   last: everything above needs them
func (d *dev) start(ctx context.Context) error {
	d.g.say("cagnotte dev %s, data in %s", version(), d.dir.path)
	if d.dir.unclean {
		d.g.say("  the last dev here was killed: its open transactions are ended, its state is read back from the log")
	}
	var err error
	if d.tel, err = startTelemetry(ctx, d.g, "dev"); err != nil {
		return err
	}
	d.life.onStop("telemetry", d.tel.stop)
	for _, step := range []func(context.Context) error{d.startBackend, d.startCodec, d.startCampaigns, d.startSink, d.startPipeline, d.auditAfterKill, d.startPages, d.startShops} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return d.announce()
}

// startBackend starts Kafka and ClickHouse at the same time: they do not need each other.
func (d *dev) startBackend(ctx context.Context) error {
	var eng *engine.Engine
	begun := time.Now()
	group, groupCtx := errgroup.WithContext(ctx)
	if d.cmd.ClickHouseAddr == "" {
		group.Go(func() (err error) {
			eng, err = d.startEngine(groupCtx)
			return err
		})
	}
	kafkaErr := d.startKafka(ctx)
	engineErr := group.Wait()
	if eng != nil {
		d.life.onStop("clickhouse", eng.Stop)
		d.life.watch("clickhouse", eng.Done())
		d.backend.clickhouse = eng.Addr
		d.life.started("clickhouse", eng.Addr+", http://"+eng.HTTPAddr, begun)
	}
	if kafkaErr != nil {
		return kafkaErr
	}
	return engineErr
}

func (d *dev) startEngine(ctx context.Context) (*engine.Engine, error) {
	return engine.Start(ctx, engine.Options{
		Dir: d.dir.file("engine"), TCPPort: d.dir.settings.ClickHouse, HTTPPort: d.dir.settings.HTTP, Progress: d.g.Err, Logger: d.g.Logger,
	})
}

func (d *dev) startKafka(ctx context.Context) error {
	b := &d.backend
	b.partitions = d.dir.settings.Partitions
	if len(d.cmd.KafkaBrokers) > 0 {
		return d.joinKafka(ctx)
	}
	begun := time.Now()
	broker, err := cluster.StartFake(cluster.FakeOptions{Dir: d.dir.file("broker"), Port: d.dir.settings.Broker, Partitions: b.partitions, LogWriter: logWriter{d.g.Logger}})
	if err != nil {
		return err
	}
	d.life.onStop("broker", broker.Stop)
	b.brokers, b.embedded = broker.Brokers, true
	d.g.Brokers, d.g.Security = b.brokers, Security{} // the broker inside speaks plain text on loopback
	if b.opts, err = d.g.ClientOpts(); err != nil {
		return err
	}
	d.life.started("broker", b.brokers[0], begun)
	return nil
}

// joinKafka uses the Kafka of --kafka-brokers.
func (d *dev) joinKafka(ctx context.Context) error {
	b, begun := &d.backend, time.Now()
	d.g.Brokers = d.cmd.KafkaBrokers
	var err error
	if b.opts, err = d.g.ClientOpts(); err != nil {
		return err
	}
	b.brokers = d.g.Brokers
	replicas, err := replication(ctx, b.opts)
	if err != nil {
		return err
	}
	if err := cluster.CreateTopics(ctx, b.brokers, b.partitions, replicas, b.opts...); err != nil {
		return exitf(ExitUnreachable, "%w", err)
	}
	d.life.started("kafka", fmt.Sprint(b.brokers), begun)
	return nil
}

// replication is three where there are three brokers.
func replication(ctx context.Context, opts []kgo.Opt) (int16, error) {
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return 0, exitf(ExitUsage, "kafka client: %w", err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	m, err := kadm.NewClient(cl).BrokerMetadata(ctx)
	if err != nil {
		return 0, exitf(ExitUnreachable, "kafka does not answer: %w: check --kafka-brokers and the TLS and SASL flags", err)
	}
	return int16(min(3, len(m.Brokers))), nil
}

// startCodec starts the registry, unless one is given, and registers the schemas; and it brings ClickHouse up to date.
func (d *dev) startCodec(ctx context.Context) error {
	begun := time.Now()
	d.backend.registry = d.g.givenRegistry
	if d.backend.registry == "" {
		reg, err := schemas.StartRegistry(d.dir.file("registry.json"))
		if err != nil {
			return err
		}
		d.life.onStop("registry", func(context.Context) error { return reg.Close() })
		d.backend.registry = reg.URL()
	}
	d.g.RegistryURL = d.backend.registry
	var err error
	if d.backend.codec, err = d.g.NewCodec(ctx); err != nil {
		return err
	}
	d.life.started("registry", d.backend.registry, begun)
	return d.migrate(ctx)
}

func (d *dev) migrate(ctx context.Context) error {
	begun := time.Now()
	if d.cmd.ClickHouseAddr != "" {
		d.backend.clickhouse = d.cmd.ClickHouseAddr
	}
	if err := schemas.Migrate(ctx, d.backend.clickhouse, d.g.Logger); err != nil {
		return exitf(ExitUnreachable, "clickhouse %s: %w", d.backend.clickhouse, err)
	}
	d.life.started("tables", "databases cagnotte_raw and cagnotte", begun)
	return nil
}

// startPipeline starts the stream processor and waits until its state is restored.
func (d *dev) startPipeline(ctx context.Context) error {
	begun, b := time.Now(), &d.backend
	meter, err := newPipelineMeter(d.tel.meter)
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	observer := meter.observer()
	observer.OnReceipt = d.tel.traceReceipt
	p, err := pipeline.New(pipeline.Options{
		Brokers: b.brokers, ClientOpts: b.opts, Instance: "dev", StateDir: d.dir.file("state"), Codec: b.codec, Policy: d.policy,
		Currency: d.policy.Currency, Embedded: b.embedded, EngineVersion: version(), Logger: d.g.Logger, Observer: d.drain.watchPipeline(observer),
	})
	if err != nil {
		return err
	}
	d.life.spawn(ctx, "pipeline", p.Run)
	if err := d.until(ctx, time.Minute, func() bool { ready, _ := p.Ready(); return ready }); err != nil {
		return fmt.Errorf("wait for the pipeline: %w: see %s", err, d.dir.file("dev.log"))
	}
	d.life.started("pipeline", fmt.Sprintf("%d partitions", b.partitions), begun)
	return nil
}

// until polls a condition while the parts run.
func (d *dev) until(ctx context.Context, limit time.Duration, ok func() bool) error {
	deadline := time.Now().Add(limit)
	for !ok() {
		select {
		case err := <-d.life.failed:
			return err
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %v", limit)
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// announce tells where to look, people and other commands.
func (d *dev) announce() error {
	e := endpoints{Brokers: d.backend.brokers, Registry: d.backend.registry, ClickHouse: d.backend.clickhouse, URL: d.url, PID: os.Getpid()}
	if err := e.write(d.dir.path); err != nil {
		return fmt.Errorf("write the endpoints: %w", err)
	}
	d.g.say("\n  open %s\n", d.url)
	return nil
}
