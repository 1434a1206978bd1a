package main

import (
	"bytes"
	"log/slog"
)

// logWriter turns lines of a part that knows no slog into log entries.
type logWriter struct{ log *slog.Logger }

// Write logs each line.
func (w logWriter) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		w.log.Info("broker", "line", string(bytes.TrimSpace(line)))
	}
	return len(p), nil
}
