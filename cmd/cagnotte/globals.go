package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"cagnotte/schemas"

	"github.com/alecthomas/kong"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// Globals is what every command gets: the flags that all share, and where to read, write and log. Kong fills the flags, execute the rest.
type Globals struct {
	Brokers     []string `help:"Kafka bootstrap addresses (default: those of a dev in this directory, else localhost:9092)." placeholder:"HOST:PORT" group:"Connection"`
	RegistryURL string   `name:"schema-registry" help:"Schema registry URL (default: that of a dev in this directory, else http://localhost:8081)." placeholder:"URL" group:"Connection"`

	Security Security `embed:"" group:"Connection"`

	Output    string          `short:"o" enum:"auto,table,json,ndjson" default:"auto" help:"Form of results on standard output: table, json, ndjson; auto is a table on a terminal, else ndjson." group:"Output"`
	LogLevel  slog.Level      `default:"info" help:"Least level that is logged to standard error: debug, info, warn, error." group:"Output"`
	LogFormat string          `enum:"auto,text,json" default:"auto" help:"Form of the log: text, json; auto is text on a terminal, else json." group:"Output"`
	Config    kong.ConfigFlag `help:"YAML file with flags by their long names. The command line and CAGNOTTE_* variables win." placeholder:"FILE" group:"Output"`

	In     io.Reader    `kong:"-"`
	Out    io.Writer    `kong:"-"`
	Err    io.Writer    `kong:"-"`
	Logger *slog.Logger `kong:"-"`

	givenRegistry string // the registry's URL before defaults
}

// Exit codes, the same for every command.
const (
	ExitOK          = 0
	ExitFailed      = 1 // it was tried and went wrong
	ExitUsage       = 2 // the command line or the configuration is wrong
	ExitInvalid     = 3 // the data is invalid
	ExitNotFound    = 4 // what was asked for is not there
	ExitUnreachable = 5 // Kafka, the registry or ClickHouse does not answer
)

// ExitError ends the command with a code of its own; any other error ends it with ExitFailed.
type ExitError struct {
	Code int
	Err  error
}

// Error returns the message of the error inside.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the error inside.
func (e *ExitError) Unwrap() error { return e.Err }

// exitf is fmt.Errorf with an exit code.
func exitf(code int, format string, args ...any) error {
	return &ExitError{Code: code, Err: fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &exit):
		return exit.Code
	default:
		return ExitFailed
	}
}

// format returns the form of results: what --output says, or by where they go.
func (g *Globals) format() string {
	switch {
	case g.Output != "auto" && g.Output != "":
		return g.Output
	case isTerminal(g.Out):
		return "table"
	default:
		return "ndjson"
	}
}

// ClientOpts returns what every Kafka client of the process starts with: brokers, TLS, SASL and a logger.
func (g *Globals) ClientOpts() ([]kgo.Opt, error) {
	opts, err := g.Security.clientOpts()
	if err != nil {
		return nil, err
	}
	return append(opts, kgo.SeedBrokers(g.Brokers...), kgo.ClientID("cagnotte"), kgo.SoftwareNameAndVersion("cagnotte", softwareVersion())), nil
}

// softwareVersion is the version without what Kafka refuses in one: letters, digits, dots and dashes are allowed.
func softwareVersion() string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || (r >= '0' && r <= '9') || (r|0x20 >= 'a' && r|0x20 <= 'z') {
			return r
		}
		return -1
	}, version()), ".-")
}

// NewClient returns a Kafka client with ClientOpts and more. The caller closes it.
func (g *Globals) NewClient(more ...kgo.Opt) (*kgo.Client, error) {
	opts, err := g.ClientOpts()
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, exitf(ExitUsage, "kafka client: %w", err)
	}
	return cl, nil
}

// NewRegistry returns a schema registry client.
func (g *Globals) NewRegistry() (*sr.Client, error) {
	cl, err := sr.NewClient(sr.URLs(g.RegistryURL))
	if err != nil {
		return nil, exitf(ExitUsage, "schema registry client for %q: %w", g.RegistryURL, err)
	}
	return cl, nil
}

// resolve fills the addresses that neither flag, variable nor file gave: a dev that runs in this directory, else the usual ports.
func (g *Globals) resolve(dev endpoints) {
	g.givenRegistry = g.RegistryURL
	if len(g.Brokers) == 0 {
		g.Brokers = orDefault(dev.Brokers, []string{"localhost:9092"})
	}
	if g.RegistryURL == "" {
		g.RegistryURL = "http://localhost:8081"
		if dev.Registry != "" {
			g.RegistryURL = dev.Registry
		}
	}
}

// NewCodec registers the current schemas and returns what reads and writes them.
func (g *Globals) NewCodec(ctx context.Context) (*schemas.Codec, error) {
	registry, err := g.NewRegistry()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, registryWait)
	defer cancel()
	codec, err := schemas.NewCodec(ctx, registry)
	if err != nil {
		return nil, exitf(ExitUnreachable, "schema registry %s: %w", g.RegistryURL, err)
	}
	return codec, nil
}

// registryWait bounds how long a start waits for the schema registry.
const registryWait = 15 * time.Second

func orDefault(values, fallback []string) []string {
	if len(values) > 0 {
		return values
	}
	return fallback
}

func (g *Globals) newLogger() *slog.Logger {
	opts := &slog.HandlerOptions{Level: g.LogLevel}
	if g.LogFormat == "json" || (g.LogFormat == "auto" && !isTerminal(g.Err)) {
		return slog.New(slog.NewJSONHandler(g.Err, opts))
	}
	return slog.New(slog.NewTextHandler(g.Err, opts))
}

// say prints a line for people on standard error, where it does not mix with results.
func (g *Globals) say(format string, args ...any) {
	fmt.Fprintf(g.Err, strings.TrimSuffix(format, "\n")+"\n", args...)
}
