package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A key is long enough, or the command says what to do.
func TestEventKeyFile(t *testing.T) {
	write := func(text string) string {
		name := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if key, err := (&EventKeyFlag{}).read(); key != nil || err != nil {
		t.Errorf("without a file: %q, %v", key, err)
	}
	good := strings.Repeat("ab", 32)
	if key, err := (&EventKeyFlag{EventKeyFile: write(good + "\n")}).read(); string(key) != good || err != nil {
		t.Errorf("a key with a newline: %q, %v", key, err)
	}
	for _, file := range []string{write("short"), filepath.Join(t.TempDir(), "absent")} {
		if _, err := (&EventKeyFlag{EventKeyFile: file}).read(); err == nil || !strings.Contains(err.Error(), "event-key-file") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
