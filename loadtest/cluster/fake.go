package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FakeOptions say how a fake broker is started. The zero value is a broker in memory on a free port without topics.
type FakeOptions struct {
	Dir        string    // data directory, made when missing; "" keeps everything in memory
	Port       int       // loopback port; 0 takes a free one
	Partitions int32     // > 0 creates the product's topics with so many partitions
	LogWriter  io.Writer // the broker's warnings; nil discards them
}

// messageMaxBytes is what a record may weigh on every broker we start: the COMMIT record of an embedded pipeline carries all outputs of its commit.
const messageMaxBytes = 32 << 20

// StartFake starts a fake broker in this process. After an unclean stop it first finishes the transactions that the stop left half done (see
// README.md), so that they are atomic as on a real broker.
func StartFake(o FakeOptions) (*Cluster, error) {
	n := &fakeNode{opts: o}
	if err := n.start(context.Background()); err != nil {
		return nil, err
	}
	c := &Cluster{Brokers: []string{n.addr()}, nodes: []node{n}}
	if err := c.topics(o.Partitions); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) topics(partitions int32) error {
	if partitions <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return CreateTopics(ctx, c.Brokers, partitions, 1)
}

// fakeNode is kfake in this process.
type fakeNode struct {
	opts FakeOptions
	port int
	kc   *kfake.Cluster
}

func (n *fakeNode) addr() string { return "127.0.0.1:" + strconv.Itoa(n.port) }

func (n *fakeNode) start(context.Context) error {
	if n.port == 0 {
		n.port = n.opts.Port
	}
	if err := n.openDir(); err != nil {
		return err
	}
	kc, err := kfake.NewCluster(n.kfakeOpts()...)
	if err != nil {
		return fmt.Errorf("start the fake broker on %s: %w", n.addr(), err)
	}
	kc.ControlKey(int16(kmsg.Produce), stampAppendTime(kc))
	kc.ControlKey(int16(kmsg.Fetch), liftFetchLimit(kc))
	n.kc = kc
	if n.port == 0 {
		if n.port, err = portOf(kc.ListenAddrs()); err != nil {
			return err
		}
	}
	return nil
}

// openDir makes the directory, repairs it after an unclean stop and marks it as in use.
func (n *fakeNode) openDir() error {
	if n.opts.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(n.opts.Dir, 0o755); err != nil {
		return fmt.Errorf("start the fake broker: %w", err)
	}
	if !wasClean(n.opts.Dir) {
		if err := Repair(n.opts.Dir, n.opts.LogWriter); err != nil {
			return err
		}
	}
	err := os.Remove(filepath.Join(n.opts.Dir, cleanMark))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("start the fake broker: %w", err)
	}
	return nil
}

// kfakeOpts: one broker, Kafka's limits where ours need others. Its compaction is off: it would drop a committed value in favour of one whose
// transaction is still open.
func (n *fakeNode) kfakeOpts() []kfake.Opt {
	opts := []kfake.Opt{
		kfake.Ports(n.port),
		kfake.ClusterID("cagnotte-fake"),
		kfake.GroupMinSessionTimeout(100 * time.Millisecond),
		kfake.BrokerConfigs(map[string]string{
			"message.max.bytes":      strconv.Itoa(messageMaxBytes),
			"log.cleaner.backoff.ms": strconv.FormatInt((365 * 24 * time.Hour).Milliseconds(), 10),
		}),
	}
	if n.opts.Dir != "" {
		opts = append(opts, kfake.DataDir(n.opts.Dir))
	}
	if n.opts.LogWriter != nil {
		opts = append(opts, kfake.WithLogger(kfake.BasicLogger(n.opts.LogWriter, kfake.LogLevelWarn)))
	}
	return opts
}

func (n *fakeNode) kill() { _ = n.stop(context.Background()) }

func (n *fakeNode) stop(context.Context) error {
	if n.kc == nil {
		return nil
	}
	n.kc.Close()
	n.kc = nil
	if n.opts.Dir == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(n.opts.Dir, cleanMark), nil, 0o644); err != nil {
		return fmt.Errorf("stop the fake broker: %w", err)
	}
	return nil
}

func (n *fakeNode) pid() int {
	if n.kc == nil {
		return 0
	}
	return os.Getpid()
}

// cleanMark stands in a data directory while no broker uses it and the last one ended in order.
const cleanMark = "stopped-cleanly"

func wasClean(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, cleanMark))
	return err == nil
}
