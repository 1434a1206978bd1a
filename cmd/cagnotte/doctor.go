package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// DoctorCmd looks at everything that the product stands on and says what to do about what is wrong.
type DoctorCmd struct {
	ClickHouseFlags `embed:""`
	StateDir        string `type:"path" help:"Also look at the disk of this state directory." placeholder:"DIR"`
}

// Help returns examples.
func (DoctorCmd) Help() string {
	return `Checks the brokers, topics, schema registry, ClickHouse, clocks and disk. Exit code 0 when all is well, 1 when something must be mended, 5 when something
does not answer.

Examples:
  cagnotte doctor
  cagnotte doctor --brokers kafka:9092 --clickhouse-addr clickhouse:9000 -o json`
}

// finding is one line of the doctor's report.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, warn, fail, unreachable
	Seen   string `json:"seen"`
	Remedy string `json:"remedy,omitempty"`
}

// Statuses of a finding.
const (
	statusOK          = "ok"
	statusWarn        = "warn"
	statusFail        = "fail"
	statusUnreachable = "unreachable"
)

// doctorWait bounds each check.
const doctorWait = 10 * time.Second

// Run makes all checks, also after one has failed.
func (c *DoctorCmd) Run(ctx context.Context, g *Globals) error {
	var found []finding
	for _, check := range []func(context.Context, *Globals) []finding{c.kafka, c.registry, c.clickhouse, c.disk} {
		checkCtx, cancel := context.WithTimeout(ctx, doctorWait)
		found = append(found, check(checkCtx, g)...)
		cancel()
	}
	if err := printFindingsOfDoctor(g, found); err != nil {
		return err
	}
	return verdict(found)
}

func verdict(found []finding) error {
	count := map[string]int{}
	for _, f := range found {
		count[f.Status]++
	}
	switch {
	case count[statusUnreachable] > 0:
		return exitf(ExitUnreachable, "%d of %d checks found something that does not answer", count[statusUnreachable], len(found))
	case count[statusFail] > 0:
		return exitf(ExitFailed, "%d of %d checks failed", count[statusFail], len(found))
	}
	return nil
}

func printFindingsOfDoctor(g *Globals, found []finding) error {
	if g.format() == "table" {
		w := tabwriter.NewWriter(g.Out, 0, 4, 2, ' ', 0)
		for _, f := range found {
			fmt.Fprintf(w, "%s\t%s\t%s\n", strings.ToUpper(f.Status), f.Check, f.Seen)
			if f.Remedy != "" {
				fmt.Fprintf(w, "\t\t-> %s\n", f.Remedy)
			}
		}
		return w.Flush()
	}
	enc := json.NewEncoder(g.Out)
	if g.format() == "json" {
		return enc.Encode(found)
	}
	for _, f := range found {
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *DoctorCmd) kafka(ctx context.Context, g *Globals) []finding {
	cl, err := g.NewClient(kgo.RetryTimeout(doctorWait / 2))
	if err != nil {
		return []finding{{"kafka", statusFail, err.Error(), "mend the connection flags"}}
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	m, err := adm.BrokerMetadata(ctx)
	if err != nil {
		return []finding{{"kafka", statusUnreachable, err.Error(), fmt.Sprintf("is a broker on %s? check --brokers and the TLS and SASL flags", strings.Join(g.Brokers, ","))}}
	}
	out := []finding{{"kafka", statusOK, fmt.Sprintf("%d brokers, cluster %s", len(m.Brokers), m.Cluster), ""}}
	return append(out, doctorTopics(ctx, adm, len(m.Brokers))...)
}

// doctorTopics checks that the topics exist, agree on their partitions and are configured as schemas.Topics says.
func doctorTopics(ctx context.Context, adm *kadm.Client, brokers int) []finding {
	var names []string
	for _, t := range schemas.Topics() {
		names = append(names, t.Name)
	}
	topics, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return []finding{{"topics", statusUnreachable, err.Error(), "look at the brokers' logs"}}
	}
	configs, err := adm.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return []finding{{"topics", statusUnreachable, err.Error(), "the user needs DescribeConfigs on the topics"}}
	}
	var out []finding
	want := len(topics[schemas.TopicReceipts].Partitions)
	for _, spec := range schemas.Topics() {
		out = append(out, doctorTopic(topics[spec.Name], spec, configs, want, brokers))
	}
	return out
}

func doctorTopic(t kadm.TopicDetail, spec schemas.TopicSpec, configs kadm.ResourceConfigs, want, brokers int) finding {
	f := finding{Check: "topic " + spec.Name, Status: statusOK, Seen: fmt.Sprintf("%d partitions", len(t.Partitions))}
	if t.Err != nil || len(t.Partitions) == 0 {
		return finding{f.Check, statusFail, "missing", "create it with cagnotte topic create, or with the settings of schemas/topics.go"}
	}
	if spec.Partitioned && len(t.Partitions) != want {
		return finding{f.Check, statusFail, f.Seen, fmt.Sprintf("%s has %d: they must agree, as tasks, input and changelog are one", schemas.TopicReceipts, want)}
	}
	has := map[string]string{}
	if rc, err := configs.On(spec.Name, nil); err == nil {
		for _, c := range rc.Configs {
			has[c.Key] = c.MaybeValue()
		}
	}
	for key, value := range spec.Config {
		if got := has[key]; got != value {
			return finding{f.Check, statusFail, key + "=" + got, fmt.Sprintf("set %s=%s", key, value)}
		}
	}
	if replicas := t.Partitions.NumReplicas(); replicas < min(3, brokers) {
		return finding{f.Check, statusWarn, fmt.Sprintf("%s, %d replicas", f.Seen, replicas), "three replicas and min.insync.replicas=2 survive the loss of a broker"}
	}
	return f
}

func (c *DoctorCmd) registry(ctx context.Context, g *Globals) []finding {
	cl, err := g.NewRegistry()
	if err != nil {
		return []finding{{"schema registry", statusFail, err.Error(), "mend --schema-registry"}}
	}
	subjects, err := cl.Subjects(ctx)
	if err != nil {
		return []finding{{"schema registry", statusUnreachable, err.Error(), "is a registry on " + g.RegistryURL + "? check --schema-registry"}}
	}
	have := map[string]bool{}
	for _, s := range subjects {
		have[s] = true
	}
	if !have[schemas.TopicReceipts+"-value"] {
		return []finding{{"schema registry", statusWarn, fmt.Sprintf("%d subjects, none for receipts", len(subjects)), "cagnotte schema register, or start cagnotte run, which does it"}}
	}
	return []finding{{"schema registry", statusOK, fmt.Sprintf("%d subjects", len(subjects)), ""}}
}

func (c *DoctorCmd) clickhouse(ctx context.Context, _ *Globals) []finding {
	const check = "clickhouse"
	opts, err := schemas.ClickHouseOptions(c.addr())
	if err != nil {
		return []finding{{check, statusFail, err.Error(), "mend --clickhouse-addr"}}
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return []finding{{check, statusFail, err.Error(), "mend --clickhouse-addr"}}
	}
	defer conn.Close()
	var versionText string
	var now time.Time
	if err := conn.QueryRow(ctx, "SELECT version(), now64(3)").Scan(&versionText, &now); err != nil {
		return []finding{{check, statusUnreachable, err.Error(), "is ClickHouse on " + redactedAddr(c.addr()) + "? check --clickhouse-addr"}}
	}
	out := []finding{{check, statusOK, "version " + versionText, ""}, clockFinding(time.Since(now))}
	list, err := schemas.MigrationStatus(ctx, c.addr())
	if err != nil {
		return append(out, finding{"tables", statusFail, err.Error(), "the user needs CREATE and INSERT on the databases"})
	}
	missing := 0
	for _, m := range list {
		if !m.Applied {
			missing++
		}
	}
	if missing > 0 {
		return append(out, finding{"tables", statusFail, fmt.Sprintf("%d of %d migrations are missing", missing, len(list)), "cagnotte migrate up"})
	}
	return append(out, finding{"tables", statusOK, fmt.Sprintf("%d migrations", len(list)), ""})
}

// clockFinding judges the difference of this machine's clock and ClickHouse's. The network's share of it is small against the limit.
func clockFinding(off time.Duration) finding {
	if off.Abs() > 30*time.Second {
		return finding{"clocks", statusFail, fmt.Sprintf("%v apart from ClickHouse", off.Round(time.Second)), "run NTP on all machines: receipts from the future are refused"}
	}
	return finding{"clocks", statusOK, fmt.Sprintf("%v apart from ClickHouse", off.Round(time.Millisecond)), ""}
}

func (c *DoctorCmd) disk(_ context.Context, _ *Globals) []finding {
	if c.StateDir == "" {
		return nil
	}
	free, err := diskFree(c.StateDir)
	switch {
	case err != nil:
		return []finding{{"disk", statusFail, err.Error(), "give the directory of the state"}}
	case free < diskMin:
		return []finding{{"disk", statusFail, fmt.Sprintf("%d MB free", free>>20), "free some space: the state grows with the number of accounts"}}
	}
	return []finding{{"disk", statusOK, fmt.Sprintf("%d MB free", free>>20), ""}}
}

// redactedAddr hides the password of a DSN.
func redactedAddr(addr string) string {
	scheme, rest, isDSN := strings.Cut(addr, "://")
	if !isDSN {
		return addr
	}
	if _, host, ok := strings.Cut(rest, "@"); ok {
		return scheme + "://...@" + host
	}
	return addr
}
