package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Goal: docker-compose.yml starts what this binary understands. Method: the command line of each of our services, and of its health check, is parsed.
func TestComposeCommands(t *testing.T) {
	raw, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string
			ReadOnly    bool              `yaml:"read_only"`
			CapDrop     []string          `yaml:"cap_drop"`
			Command     []string          `yaml:"command"`
			Environment map[string]string `yaml:"environment"`
			Healthcheck struct{ Test []string }
		}
	}
	if err := yaml.UnmarshalWithOptions(raw, &file, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	ours := 0
	for name, s := range file.Services {
		if !strings.HasPrefix(s.Image, "cagnotte:") {
			continue
		}
		ours++
		parseLine(t, name, s.Command)
		if test := s.Healthcheck.Test; len(test) > 2 {
			parseLine(t, name+"'s health check", test[2:])
		}
		if !s.ReadOnly || len(s.CapDrop) == 0 {
			t.Errorf("%s may write its root or keeps capabilities", name)
		}
		for key := range s.Environment {
			if !knownVariable(t, key) {
				t.Errorf("%s sets %s, which no flag reads", name, key)
			}
		}
	}
	if ours < 5 {
		t.Errorf("%d services of ours, want all roles", ours)
	}
}

func parseLine(t *testing.T, name string, args []string) {
	t.Helper()
	var m Main
	m.Out, m.Err = io.Discard, io.Discard
	parser, err := newParser(&m, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Errorf("%s: cagnotte %s: %v", name, strings.Join(args, " "), err)
	}
}

// knownVariable tells whether a flag of some command reads the variable.
func knownVariable(t *testing.T, name string) bool {
	t.Helper()
	if strings.HasPrefix(name, "OTEL_") {
		return true
	}
	var m Main
	m.Out, m.Err = io.Discard, io.Discard
	parser, err := newParser(&m, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range allFlags(parser.Model.Node) {
		for _, env := range flag.Envs {
			if env == name {
				return true
			}
		}
	}
	return false
}
