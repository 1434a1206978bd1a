package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// devDataDir is where dev keeps everything unless --data says otherwise; other commands look here for a running dev.
const devDataDir = ".cagnotte"

// endpoints is what a running dev tells the other commands: where its parts listen.
type endpoints struct {
	Brokers    []string `json:"brokers"`
	Registry   string   `json:"registry"`
	ClickHouse string   `json:"clickhouse"`
	URL        string   `json:"url"`
	PID        int      `json:"pid"`
}

// devEndpoints returns where a dev of this directory (or of CAGNOTTE_DEV_DATA) listens; the zero value when there is none.
func devEndpoints() endpoints {
	dir := os.Getenv("CAGNOTTE_DEV_DATA")
	if dir == "" {
		dir = devDataDir
	}
	e, err := readEndpoints(dir)
	if err != nil {
		return endpoints{}
	}
	return e
}

func readEndpoints(dir string) (endpoints, error) {
	var e endpoints
	raw, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	if err != nil {
		return e, fmt.Errorf("endpoints of dev: %w", err)
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("endpoints of dev: %w", err)
	}
	return e, nil
}

func (e endpoints) write(dir string) error {
	raw, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("write the endpoints: %w", err)
	}
	return writeFileAtomic(filepath.Join(dir, "endpoints.json"), append(raw, '\n'))
}

func removeEndpoints(dir string) error {
	err := os.Remove(filepath.Join(dir, "endpoints.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// writeFileAtomic writes a file so that a crash leaves the old or the new one, never half of it.
func writeFileAtomic(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
