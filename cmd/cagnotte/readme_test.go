package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	readmeCommand = regexp.MustCompile("`[^`]*?go test (\\./[^`]*)`")
	readmeFlag    = regexp.MustCompile(`-(run|bench)[= ]'?([^' ]+)'?`)
	testFunction  = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
)

// Every test and benchmark that a document names by pattern exists: a pattern that matches nothing passes, and proves nothing.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	commands := 0
	for _, doc := range documents(t, root) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range readmeCommand.FindAllStringSubmatch(string(text), -1) {
			commands++
			if missing := unmatched(t, root, m[1]); missing != "" {
				t.Errorf("%s: go test %s: nothing is called %s", doc, m[1], missing)
			}
		}
	}
	if commands < 20 {
		t.Errorf("only %d commands were found in the documents", commands)
	}
	if unmatched(t, root, "./cmd/cagnotte -run TestThatNobodyWrote") == "" {
		t.Error("a pattern without a test goes unnoticed")
	}
}

func documents(t *testing.T, root string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".md") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// unmatched returns the first pattern of a command that no function of its packages matches.
func unmatched(t *testing.T, root, command string) string {
	t.Helper()
	var names []string
	for _, word := range strings.Fields(command) {
		if dir, found := strings.CutPrefix(word, "./"); found && !strings.HasSuffix(dir, "...") {
			names = append(names, functions(t, filepath.Join(root, dir))...)
		}
	}
	for _, f := range readmeFlag.FindAllStringSubmatch(command, -1) {
		pattern, _, _ := strings.Cut(f[2], "/") // behind it are parts of a test
		if pattern == "xxx" || pattern == "^$" {
			continue // no tests, only benchmarks
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return pattern
		}
		if kind := map[string]string{"run": "Test", "bench": "Benchmark"}[f[1]]; !anyMatches(names, kind, re) {
			return pattern
		}
	}
	return ""
}

func anyMatches(names []string, kind string, re *regexp.Regexp) bool {
	for _, name := range names {
		if (strings.HasPrefix(name, kind) || kind == "Test" && strings.HasPrefix(name, "Fuzz")) && re.MatchString(name) {
			return true
		}
	}
	return false
}

func functions(t *testing.T, dir string) (out []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
	}
	return out
}
