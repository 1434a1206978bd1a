package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/knadh/koanf/parsers/yaml"
)

// configMaxBytes bounds a configuration file.
const configMaxBytes = 1 << 20

// fileConfig resolves flags from a YAML file of long flag names.
type fileConfig struct {
	values map[string]any
}

// loadConfig reads a YAML file such as
//
//	brokers: [kafka-1:9092, kafka-2:9092]
//	commit-interval: 50ms
func loadConfig(r io.Reader) (kong.Resolver, error) {
	raw, err := io.ReadAll(io.LimitReader(r, configMaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(raw) > configMaxBytes {
		return nil, fmt.Errorf("read the configuration: more than %d bytes", configMaxBytes)
	}
	values, err := yaml.Parser().Unmarshal(raw)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return &fileConfig{values: values}, nil
}

// Validate refuses keys that are no flag of any command: a misspelt key would otherwise be a setting that silently does nothing.
func (c *fileConfig) Validate(app *kong.Application) error {
	var known []string
	for _, flags := range allFlags(app.Node) {
		known = append(known, flags.Name)
	}
	for key := range c.values {
		if !slices.Contains(known, key) {
			return fmt.Errorf("configuration file: unknown key %q: keys are the long names of flags, such as brokers or commit-interval", key)
		}
	}
	return nil
}

func allFlags(n *kong.Node) []*kong.Flag {
	flags := slices.Clone(n.Flags)
	for _, child := range n.Children {
		flags = append(flags, allFlags(child)...)
	}
	return flags
}

// Resolve returns the file's value of a flag, nil when it has none.
func (c *fileConfig) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := c.values[flag.Name]
	if !ok || fromEnvironment(flag) {
		return nil, nil
	}
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value), nil
	}
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = fmt.Sprint(v)
		if strings.Contains(parts[i], ",") {
			return nil, errors.New("configuration file: " + flag.Name + ": a list element may not hold a comma")
		}
	}
	return strings.Join(parts, ","), nil
}

func fromEnvironment(flag *kong.Flag) bool {
	return slices.ContainsFunc(flag.Envs, func(name string) bool {
		_, set := os.LookupEnv(name)
		return set
	})
}

// effective lists every flag of a command with its value, sorted by name, secrets hidden: what a role prints at start.
func effective(kctx *kong.Context) []any {
	var out []any
	for _, f := range kctx.Flags() {
		if f.Name == "help" || f.Hidden {
			continue
		}
		v := fmt.Sprint(f.Target.Interface())
		if f.Tag.Has("secret") && v != "" {
			v = "(hidden)"
		}
		out = append(out, f.Name, v)
	}
	return out
}
