// Command cagnotte is the whole product in one binary: a sub-command for each role, and one that runs all of them in one process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"cagnotte/loadtest/cluster"
	"cagnotte/schemas/engine"

	"github.com/alecthomas/kong"
)

// Main is the command line: global flags and commands, nouns with verbs below them.
type Main struct {
	Globals

	Dev       DevCmd       `cmd:"" help:"Everything in one process: broker, ClickHouse, pipeline, pages and demo shops or a replay."`
	Receipt   ReceiptCmd   `cmd:"" help:"Send, check, sample, archive and follow receipts."`
	Member    MemberCmd    `cmd:"" help:"Look at a member's balances and ledger, and say what happened to the account."`
	Campaign  CampaignCmd  `cmd:"" help:"Write, check, test and publish campaigns."`
	Programme ProgrammeCmd `cmd:"" help:"Whole programmes, shipped and ready to copy: list, show, copy, test."`
	Run       RunCmd       `cmd:"" help:"Run one member of the stream processor: receipts to ledger, balances, decisions, metrics."`
	Sink      SinkCmd      `cmd:"" help:"Copy the topics to ClickHouse, each row once."`
	Gateway   GatewayCmd   `cmd:"" help:"Take receipts in by HTTP."`
	Dash      DashCmd      `cmd:"" help:"Serve the live pages."`
	Schema    SchemaCmd    `cmd:"" help:"Print, register and check the Avro schemas."`
	Topic     TopicCmd     `cmd:"" help:"Create the topics."`
	Migrate   MigrateCmd   `cmd:"" help:"Create or upgrade ClickHouse's databases, tables and views."`
	State     StateCmd     `cmd:"" help:"Look into the local state."`
	Measure   MeasureCmd   `cmd:"" help:"Compute one statistic from sums or data sets, or simulate what the intervals are worth."`
	Load      LoadCmd      `cmd:"" help:"Put the product under load, kill parts of it, and audit every cent."`
	Engine    EngineCmd    `cmd:"" help:"Run the embedded ClickHouse engine by itself."`
	Doctor    DoctorCmd    `cmd:"" help:"Check Kafka, topics, registry, ClickHouse, clocks and disk, with remedies."`
	Version   VersionCmd   `cmd:"" help:"Print version, platform and the versions of the main parts."`
	Probe     ProbeCmd     `cmd:"" hidden:"" help:"Ask a probe of another process."`
	Broker    BrokerCmd    `cmd:"" hidden:"" help:"Run the development broker as a process."`
}

const description = `A real-time cashback engine for retail networks: receipts in through Kafka or HTTP, rewards by campaign rules, an exact ledger, and live pages.

Start here:
  cagnotte dev                      everything in one process, with demo shops; then open http://localhost:8080
  cagnotte dev --replay lines.csv.gz --speed max

Every flag can be set as CAGNOTTE_<FLAG>, or in a YAML file given by --config.
Exit codes: 0 ok, 1 failed, 2 usage, 3 data invalid, 4 not found, 5 Kafka, registry or ClickHouse unreachable.`

func main() {
	engine.HostIfChild()
	cluster.HostIfChild()
	os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// execute runs one command line and returns its exit code. The first signal ends the command in order, the second at once.
func execute(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return executeContext(ctx, args, in, out, errOut)
}

func executeContext(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var m Main
	m.In, m.Out, m.Err = in, out, errOut
	exited := -1
	parser, err := newParser(&m, func(code int) { exited = code })
	if err != nil {
		fmt.Fprintln(errOut, "cagnotte:", err)
		return ExitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // --help has been printed
		return exited
	}
	if err != nil {
		return usageError(errOut, err)
	}
	m.resolve(devEndpoints())
	m.Logger = m.newLogger()
	kctx.BindTo(ctx, (*context.Context)(nil))
	if err := kctx.Run(&m.Globals); err != nil {
		return failure(ctx, errOut, err)
	}
	return ExitOK
}

func newParser(m *Main, exit func(int)) (*kong.Kong, error) {
	return kong.New(m,
		kong.Name("cagnotte"), kong.Description(description),
		kong.Writers(m.Out, m.Err), kong.Exit(exit),
		kong.DefaultEnvars("CAGNOTTE"),
		kong.Configuration(loadConfig),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
	)
}

// usageError explains a wrong command line. Its text names the flag or the argument; the hint says where to read on.
func usageError(w io.Writer, err error) int {
	command := "cagnotte"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Command() != "" {
		command += " " + strings.Fields(parse.Context.Command())[0]
	}
	fmt.Fprintf(w, "cagnotte: %v\n(%s --help shows usage and examples)\n", err, command)
	return ExitUsage
}

func failure(ctx context.Context, w io.Writer, err error) int {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ExitOK // ended by a signal, in order
	}
	fmt.Fprintln(w, "cagnotte:", err)
	return exitCode(err)
}
