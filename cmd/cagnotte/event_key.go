package main

import (
	"bytes"
	"os"
)

// EventKeyFlag names the key that events are signed and checked with.
type EventKeyFlag struct {
	EventKeyFile string `type:"path" help:"File with a key of 32 bytes or more. With it the pipeline takes only EVENTs (enrolments, burns, ...) that a gateway with the same key has signed, so that tills which write to Kafka themselves cannot book burns."`
}

// Least and most bytes of a key.
const (
	minEventKey = 32
	maxEventKey = 4096
)

// read returns the key; nil without a file. White space at the end is not part of it.
func (f *EventKeyFlag) read() ([]byte, error) {
	if f.EventKeyFile == "" {
		return nil, nil
	}
	key, err := os.ReadFile(f.EventKeyFile)
	if err != nil {
		return nil, exitf(ExitUsage, "--event-key-file: %w", err)
	}
	if key = bytes.TrimRight(key, " \r\n\t"); len(key) < minEventKey || len(key) > maxEventKey {
		return nil, exitf(ExitUsage, "--event-key-file %s: %d bytes; want %d to %d, such as the output of: openssl rand -hex 32", f.EventKeyFile, len(key), minEventKey, maxEventKey)
	}
	return key, nil
}
