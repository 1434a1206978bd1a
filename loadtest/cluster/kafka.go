package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// KafkaOptions say how a real Apache Kafka is started.
type KafkaOptions struct {
	Dir        string    // data, configuration and logs of the nodes; a cluster that is there already is started again
	CacheDir   string    // where the jars are kept; "" is the user's cache directory
	Nodes      int       // 1 (also for 0) or 3, each broker and controller
	Partitions int32     // > 0 creates the product's topics with so many partitions
	HeapMB     int       // per node; 0 is 1024 for one node and 512 for three
	Progress   io.Writer // what is fetched and started; nil is silent
}

// layout is what a cluster keeps on disk so that it comes back under the same names and ports.
type layout struct {
	ClusterID string `json:"cluster_id"`
	Ports     []int  `json:"ports"`       // brokers
	Quorum    []int  `json:"quorum_port"` // controllers
}

// StartKafka starts Apache Kafka (KafkaVersion) in KRaft mode on loopback and returns when all nodes answer. It needs java, and Maven the first time.
func StartKafka(ctx context.Context, o KafkaOptions) (*Cluster, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	libs, err := jars(ctx, o.CacheDir, o.Progress)
	if err != nil {
		return nil, err
	}
	lay, err := openLayout(o)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	for i, port := range lay.Ports {
		c.Brokers = append(c.Brokers, fmt.Sprintf("127.0.0.1:%d", port))
		c.nodes = append(c.nodes, &kafkaNode{opts: o, layout: lay, index: i, libs: libs})
	}
	begun := time.Now()
	if err := c.Restart(ctx); err != nil {
		c.Kill()
		return nil, err
	}
	say(o.Progress, "Apache Kafka %s: %d node(s) up in %.1f s on %s\n", KafkaVersion, o.Nodes, time.Since(begun).Seconds(), strings.Join(c.Brokers, ","))
	if o.Partitions > 0 {
		if err := CreateTopics(ctx, c.Brokers, o.Partitions, int16(o.Nodes)); err != nil {
			c.Kill()
			return nil, err
		}
	}
	return c, nil
}

func (o KafkaOptions) check() (KafkaOptions, error) {
	if o.Dir == "" {
		return o, errors.New("real Kafka: a data directory is needed")
	}
	if _, err := exec.LookPath("java"); err != nil {
		return o, errors.New("real Kafka: no java on PATH: install a JDK 17 or later, or use the fake broker")
	}
	switch {
	case o.Nodes == 0:
		o.Nodes = 1
	case o.Nodes != 1 && o.Nodes != 3:
		return o, fmt.Errorf("real Kafka: %d nodes, want 1 or 3", o.Nodes)
	}
	if o.HeapMB == 0 {
		o.HeapMB = map[int]int{1: 1024, 3: 512}[o.Nodes]
	}
	abs, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("real Kafka: %w", err)
	}
	o.Dir = abs
	return o, os.MkdirAll(o.Dir, 0o755)
}

func openLayout(o KafkaOptions) (layout, error) {
	path := filepath.Join(o.Dir, "cluster.json")
	var lay layout
	raw, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(raw, &lay); err != nil {
			return lay, fmt.Errorf("real Kafka: read %s: %w", path, err)
		}
		if len(lay.Ports) != o.Nodes {
			return lay, fmt.Errorf("real Kafka: %s holds a cluster of %d nodes, asked for %d", o.Dir, len(lay.Ports), o.Nodes)
		}
		return lay, nil
	}
	ports, err := freePorts(2 * o.Nodes)
	if err != nil {
		return lay, err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	lay = layout{ClusterID: base64.RawURLEncoding.EncodeToString(id), Ports: ports[:o.Nodes], Quorum: ports[o.Nodes:]}
	if raw, err = json.Marshal(lay); err != nil {
		return lay, fmt.Errorf("real Kafka: %w", err)
	}
	return lay, os.WriteFile(path, raw, 0o644)
}

// kafkaNode is one JVM, broker and controller.
type kafkaNode struct {
	opts   KafkaOptions
	layout layout
	index  int
	libs   string
	proc   *process
}

func (n *kafkaNode) dir() string { return filepath.Join(n.opts.Dir, fmt.Sprintf("node-%d", n.index+1)) }

func (n *kafkaNode) start(ctx context.Context) error {
	if err := n.configure(); err != nil {
		return err
	}
	if err := n.format(ctx); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(n.dir(), "broker.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start Kafka node %d: %w", n.index+1, err)
	}
	defer out.Close() // the child has its own
	cmd := exec.Command("java", n.javaArgs(fmt.Sprintf("-Xmx%dm", n.opts.HeapMB), "kafka.Kafka", "server.properties")...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir(), out, out
	n.proc, err = startProcess(cmd)
	return err
}

func (n *kafkaNode) javaArgs(heap, class string, args ...string) []string {
	return append([]string{heap, "-Dlog4j2.configurationFile=log4j2.xml", "-cp", n.libs + "/*", class}, args...)
}

// format prepares the node's storage once; a second time it does nothing.
func (n *kafkaNode) format(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(n.dir(), "data", "meta.properties")); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "java", n.javaArgs("-Xmx256m", "kafka.tools.StorageTool", "format", "-t", n.layout.ClusterID, "-c", "server.properties")...)
	cmd.Dir = n.dir()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format the storage of Kafka node %d: %w\n%s", n.index+1, err, tail(string(out), 10))
	}
	return nil
}

func (n *kafkaNode) kill() { n.proc.kill() }

func (n *kafkaNode) stop(ctx context.Context) error {
	if n.pid() == 0 {
		return nil
	}
	if err := n.proc.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop Kafka node %d: %w", n.index+1, err)
	}
	return n.proc.wait(ctx)
}

func (n *kafkaNode) pid() int { return n.proc.pid() }

// configure writes the node's two files anew, so that a changed default reaches an old directory.
func (n *kafkaNode) configure() error {
	if err := os.MkdirAll(n.dir(), 0o755); err != nil {
		return fmt.Errorf("configure Kafka node %d: %w", n.index+1, err)
	}
	var props bytes.Buffer
	if err := serverProperties.Execute(&props, n.properties()); err != nil {
		return fmt.Errorf("configure Kafka node %d: %w", n.index+1, err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(n.dir(), "server.properties"), props.Bytes(), 0o644),
		os.WriteFile(filepath.Join(n.dir(), "log4j2.xml"), []byte(log4j), 0o644),
	)
}

func (n *kafkaNode) properties() map[string]any {
	voters := make([]string, len(n.layout.Quorum))
	for i, port := range n.layout.Quorum {
		voters[i] = fmt.Sprintf("%d@127.0.0.1:%d", i+1, port)
	}
	return map[string]any{
		"Node": n.index + 1, "Port": n.layout.Ports[n.index], "QuorumPort": n.layout.Quorum[n.index],
		"Voters": strings.Join(voters, ","), "Data": filepath.Join(n.dir(), "data"),
		"Replicas": n.opts.Nodes, "MinISR": min(2, n.opts.Nodes), "MaxBytes": messageMaxBytes,
	}
}

var serverProperties = template.Must(template.New("server.properties").Parse(`process.roles=broker,controller
node.id={{.Node}}
controller.quorum.voters={{.Voters}}
listeners=PLAINTEXT://127.0.0.1:{{.Port}},CONTROLLER://127.0.0.1:{{.QuorumPort}}
advertised.listeners=PLAINTEXT://127.0.0.1:{{.Port}}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={{.Data}}
default.replication.factor={{.Replicas}}
min.insync.replicas={{.MinISR}}
offsets.topic.replication.factor={{.Replicas}}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={{.Replicas}}
transaction.state.log.min.isr={{.MinISR}}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={{.Replicas}}
share.coordinator.state.topic.min.isr={{.MinISR}}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=100
auto.create.topics.enable=false
message.max.bytes={{.MaxBytes}}
replica.fetch.max.bytes={{.MaxBytes}}
`))

const log4j = `<Configuration status="WARN">
  <Appenders><RollingFile name="F" fileName="kafka.log" filePattern="kafka-%i.log"><PatternLayout pattern="%d %p %c{1} %m%n"/>
    <Policies><SizeBasedTriggeringPolicy size="20 MB"/></Policies><DefaultRolloverStrategy max="3"/></RollingFile></Appenders>
  <Loggers><Root level="INFO"><AppenderRef ref="F"/></Root></Loggers>
</Configuration>
`
