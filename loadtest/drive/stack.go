package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"cagnotte/loadtest/cluster"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/sr"
)

// Engine is a running ClickHouse of our own.
type Engine struct {
	Addr, HTTPAddr string
	Kill           func() // SIGKILL; returns when the process is gone
	Stop           func(context.Context) error
	Done           <-chan struct{} // closed when the process has ended
	PID            int
}

// StackOptions say what is under load.
type StackOptions struct {
	Exe        string // this executable, re-executed for every part
	Dir        string // everything is kept here; it must be empty or new
	Kafka      string // "fake", "real", or bootstrap addresses
	KafkaCache string
	Partitions int32
	Instances  int // of the pipeline
	// Embedded tells the pipeline that the broker may be killed without finishing its transactions.
	Embedded       bool
	CommitInterval time.Duration
	CacheAccounts  int
	// StartEngine starts ClickHouse on the ports, 0 for free ones.
	StartEngine func(ctx context.Context, dir string, tcpPort, httpPort int) (*Engine, error)
	// Crashed is told about a part that ends by itself.
	Crashed  func(name string, err error)
	Progress io.Writer
	Logger   *slog.Logger
}

// stack is the product with everything around it, each part a process of its own.
type stack struct {
	o        StackOptions
	broker   *cluster.Cluster // nil: somebody else's
	brokers  []string
	registry *schemas.Registry
	client   *sr.Client
	codec    *schemas.Codec
	engine   *Engine

	enginePorts [2]int      // native and HTTP, kept over restarts
	engineMeant atomic.Bool // its end is ours

	pipelines []*Process
	guest     *Process // an instance more, that comes and goes; nil before it first comes
	metrics   []string // addresses of the pipelines' /metrics
	sink      *Process
	logs      []*os.File
}

// Consumer groups of the parts.
const (
	pipelineGroup = "cagnotte"
	sinkGroup     = "cagnotte-sink"
)

// newStack starts broker, registry and topics; the parts of the product are started one by one. Close it in any case.
func newStack(ctx context.Context, o StackOptions) (*stack, error) {
	s := &stack{o: o}
	if err := os.MkdirAll(filepath.Join(o.Dir, "logs"), 0o755); err != nil {
		return s, fmt.Errorf("work directory: %w", err)
	}
	if err := s.startBroker(ctx); err != nil {
		return s, err
	}
	if err := cluster.CreateTopics(ctx, s.brokers, o.Partitions, 1); err != nil {
		return s, err
	}
	registry, err := schemas.StartRegistry(filepath.Join(o.Dir, "registry.json"))
	if err != nil {
		return s, err
	}
	s.registry = registry
	if s.client, err = sr.NewClient(sr.URLs(registry.URL())); err != nil {
		return s, fmt.Errorf("schema registry: %w", err)
	}
	s.codec, err = schemas.NewCodec(ctx, s.client)
	return s, err
}

func (s *stack) startBroker(ctx context.Context) (err error) {
	switch s.o.Kafka {
	case "fake":
		logs, err := s.log("broker")
		if err != nil {
			return err
		}
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		s.broker, err = cluster.StartFakeChild(cluster.FakeOptions{Dir: filepath.Join(s.o.Dir, "broker"), Port: portOf(addr), LogWriter: logs})
		if err != nil {
			return err
		}
	case "real":
		s.broker, err = cluster.StartKafka(ctx, cluster.KafkaOptions{Dir: filepath.Join(s.o.Dir, "kafka"), CacheDir: s.o.KafkaCache, Nodes: 1, Progress: s.o.Progress})
		if err != nil {
			return err
		}
	default:
		s.brokers = strings.Split(s.o.Kafka, ",")
		return nil
	}
	s.brokers = s.broker.Brokers
	return nil
}

// log opens the log file of a part.
func (s *stack) log(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(s.o.Dir, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	s.logs = append(s.logs, f)
	return f, nil
}

// connection is what every command of ours gets on its line.
func (s *stack) connection() []string {
	return []string{"--brokers", strings.Join(s.brokers, ","), "--schema-registry", s.registry.URL(), "--log-format", "text"}
}

func (s *stack) stateDir(i int) string { return filepath.Join(s.o.Dir, "state-"+strconv.Itoa(i)) }

// startPipelines starts the instances of the pipeline.
func (s *stack) startPipelines() error {
	for i := range s.o.Instances {
		if err := s.startPipeline(i); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) startPipeline(i int) error {
	p, listen, err := s.newPipeline(i)
	if err != nil {
		return err
	}
	s.pipelines, s.metrics = append(s.pipelines, p), append(s.metrics, listen)
	return p.Start()
}

// startGuest starts an instance more than were asked for.
func (s *stack) startGuest() (err error) {
	if s.guest, _, err = s.newPipeline(s.o.Instances); err != nil {
		return err
	}
	return s.guest.Start()
}

// newPipeline prepares an instance and the address of its metrics.
func (s *stack) newPipeline(i int) (p *Process, listen string, err error) {
	name := "pipeline-" + strconv.Itoa(i)
	logs, err := s.log(name)
	if err != nil {
		return nil, "", err
	}
	if listen, err = freeAddr(); err != nil {
		return nil, "", err
	}
	args := append([]string{"run"}, s.connection()...)
	args = append(args, "--state-dir", s.stateDir(i), "--group", pipelineGroup, "--instance", strconv.Itoa(i), "--metrics-listen", listen)
	if s.o.CommitInterval > 0 {
		args = append(args, "--commit-interval", s.o.CommitInterval.String())
	}
	if s.o.CacheAccounts > 0 {
		args = append(args, "--cache-accounts", strconv.Itoa(s.o.CacheAccounts))
	}
	if s.o.Embedded {
		args = append(args, "--embedded")
	}
	p = NewProcess(name, s.o.Exe, logs, args...)
	p.Crashed = s.o.Crashed
	return p, listen, nil
}

// startClickHouse starts the engine, brings its tables up to date and starts the sink.
func (s *stack) startClickHouse(ctx context.Context) error {
	if err := s.startEngine(ctx); err != nil {
		return err
	}
	if err := schemas.Migrate(ctx, s.engine.Addr, s.o.Logger); err != nil {
		return err
	}
	return s.startSink()
}

func (s *stack) startEngine(ctx context.Context) error {
	if s.enginePorts == [2]int{} {
		for i := range s.enginePorts {
			addr, err := freeAddr()
			if err != nil {
				return err
			}
			s.enginePorts[i] = portOf(addr)
		}
	}
	e, err := s.o.StartEngine(ctx, filepath.Join(s.o.Dir, "clickhouse"), s.enginePorts[0], s.enginePorts[1])
	if err != nil {
		return err
	}
	s.engine = e
	s.engineMeant.Store(false)
	go func() {
		<-e.Done
		if !s.engineMeant.Load() && s.o.Crashed != nil {
			s.o.Crashed("engine", errors.New("its process is gone"))
		}
	}()
	return nil
}

// killEngine ends the engine with SIGKILL.
func (s *stack) killEngine() {
	s.engineMeant.Store(true)
	s.engine.Kill()
}

func (s *stack) startSink() error {
	logs, err := s.log("sink")
	if err != nil {
		return err
	}
	args := append([]string{"sink"}, s.connection()...)
	args = append(args, "--clickhouse-addr", s.engine.Addr, "--group", sinkGroup, "--metrics-listen", "")
	s.sink = NewProcess("sink", s.o.Exe, logs, args...)
	s.sink.Crashed = s.o.Crashed
	return s.sink.Start()
}

// parts are the processes that must not end by themselves.
func (s *stack) parts() []*Process {
	out := append([]*Process{}, s.pipelines...)
	for _, p := range []*Process{s.guest, s.sink} {
		if p != nil {
			out = append(out, p)
		}
	}
	return out
}

// pipelinesReady waits until every pipeline says that it has its partitions and their state.
func (s *stack) pipelinesReady(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for i, addr := range s.metrics {
		for !answersOK(ctx, "http://"+addr+"/readyz") {
			if err := sleep(ctx, 100*time.Millisecond); err != nil {
				return fmt.Errorf("%s is not ready: %w", s.pipelines[i].Name, err)
			}
		}
	}
	return nil
}

func answersOK(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// stopPipelines ends the pipelines in order, so that their state is on disk.
func (s *stack) stopPipelines(ctx context.Context) error {
	var errs []error
	for _, p := range s.pipelines {
		errs = append(errs, p.Stop(ctx))
	}
	return errors.Join(errs...)
}

// close ends everything that runs.
func (s *stack) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, p := range s.parts() {
		s.note(p.Stop(ctx))
	}
	if s.engine != nil {
		s.engineMeant.Store(true)
		s.note(s.engine.Stop(ctx))
	}
	if s.registry != nil {
		s.note(s.registry.Close())
	}
	if s.broker != nil {
		s.note(s.broker.Stop(ctx))
	}
	for _, f := range s.logs {
		s.note(f.Close())
	}
}

func (s *stack) note(err error) {
	if err != nil && s.o.Logger != nil {
		s.o.Logger.Warn("stop", "error", err)
	}
}

// freeAddr returns a loopback address that is free now and outside the range that the kernel takes for outgoing connections: a part that is killed and
// started again on its port must not find a stranger's connection there, or its own client's, connected to itself.
func freeAddr() (string, error) {
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(15_000+rand.IntN(15_000)))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		return addr, l.Close()
	}
	return "", errors.New("no free port between 15000 and 29999")
}

func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port)
	return n
}
