// Package cluster starts the Kafka that tests, load runs and the single-process mode need: a fake broker in this process, the same fake in a
// child process that can be killed alone, or a real Apache Kafka in KRaft mode with one or three nodes.
//
// All three answer on loopback only, keep their data in one directory, and come back on the same ports with the same data after a kill.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster is a running Kafka. Brokers are host:port pairs, fixed for its life, also over Restart. Safe for concurrent use.
type Cluster struct {
	Brokers []string

	mu    sync.Mutex
	nodes []node
}

// node is one broker process, or the broker in this process.
type node interface {
	start(ctx context.Context) error
	kill() // at once, nothing saved beyond what is on its way to the disk; no-op when it is down
	stop(ctx context.Context) error
	pid() int // 0 when it is down
}

// Nodes returns how many brokers the cluster has.
func (c *Cluster) Nodes() int { return len(c.nodes) }

// Kill ends every broker with SIGKILL. The fake in this process cannot be killed alone: for it, Kill is Stop without a deadline.
func (c *Cluster) Kill() {
	for i := range c.nodes {
		c.KillNode(i)
	}
}

// KillNode ends broker i (from 0) with SIGKILL. A broker that is down already stays down.
func (c *Cluster) KillNode(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes[i].kill()
}

// StartNode starts broker i again on its own directory and port. It returns when the process is up; the cluster may need a moment more.
func (c *Cluster) StartNode(ctx context.Context, i int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes[i].pid() != 0 {
		return fmt.Errorf("start broker %d: it is running", i)
	}
	return c.nodes[i].start(ctx)
}

// Restart starts every broker that is down and waits until all of them answer.
func (c *Cluster) Restart(ctx context.Context) error {
	for i := range c.nodes {
		if c.PID(i) != 0 {
			continue
		}
		if err := c.StartNode(ctx, i); err != nil {
			return err
		}
	}
	return c.WaitReady(ctx)
}

// PID returns the process id of broker i, 0 while it is down. The fake in this process has this process's id.
func (c *Cluster) PID(i int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[i].pid()
}

// Stop ends every broker in order, so that nothing needs to be replayed. A broker that does not end before ctx does is killed.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for i, n := range c.nodes {
		wg.Go(func() { errs[i] = n.stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// WaitReady waits until every broker is a member of the cluster and answers, or ctx ends. Without a deadline it gives up after three minutes:
// three JVMs on a busy machine are slow.
func (c *Cluster) WaitReady(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
		defer cancel()
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.RetryTimeout(2*time.Second))
	if err != nil {
		return fmt.Errorf("wait for the brokers: %w", err)
	}
	defer cl.Close()
	for {
		last := answers(ctx, cl, len(c.Brokers))
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the brokers %v: %w (last: %w)", c.Brokers, ctx.Err(), last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// answers asks for the members with a request of its own: the client's metadata may be some minutes old.
func answers(ctx context.Context, cl *kgo.Client, want int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	m, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	if got := len(m.Brokers); got != want {
		return fmt.Errorf("%d of %d brokers are members", got, want)
	}
	if m.ControllerID < 0 {
		return errors.New("no controller yet")
	}
	return nil
}

// freePorts returns n different loopback ports that are free now.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer ln.Close()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
