package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// VersionCmd prints what this binary is.
type VersionCmd struct{}

// Help returns examples.
func (VersionCmd) Help() string {
	return "Examples:\n  cagnotte version\n  cagnotte version -o json | jq -r .version"
}

// versionInfo is the JSON form of cagnotte version.
type versionInfo struct {
	Version  string            `json:"version"`
	Go       string            `json:"go"`
	Platform string            `json:"platform"`
	Parts    map[string]string `json:"parts"`
}

// parts are the libraries whose version matters when a problem is reported.
var parts = map[string]string{
	"franz-go": "github.com/twmb/franz-go", "pebble": "github.com/cockroachdb/pebble/v2", "clickhouse-go": "github.com/ClickHouse/clickhouse-go/v2",
}

// Run prints the version.
func (VersionCmd) Run(g *Globals) error {
	info := readVersion()
	if g.format() != "table" {
		return json.NewEncoder(g.Out).Encode(info)
	}
	fmt.Fprintf(g.Out, "cagnotte %s %s %s\n", info.Version, info.Go, info.Platform)
	for _, name := range []string{"franz-go", "pebble", "clickhouse-go"} {
		if v, ok := info.Parts[name]; ok {
			fmt.Fprintf(g.Out, "  %s %s\n", name, v)
		}
	}
	return nil
}

func readVersion() versionInfo {
	info := versionInfo{Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Parts: map[string]string{}}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	for _, dep := range build.Deps {
		for name, path := range parts {
			if dep.Path == path {
				info.Parts[name] = dep.Version
			}
		}
	}
	return info
}

// version is the module's version, or the commit it was built from with + when the tree had changes.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	rev := settings["vcs.revision"]
	if rev == "" || (build.Main.Version != "" && !strings.HasPrefix(build.Main.Version, "v0.0.0-") && build.Main.Version != "(devel)") {
		return build.Main.Version
	}
	rev = rev[:min(12, len(rev))]
	if settings["vcs.modified"] == "true" {
		rev += "+"
	}
	return rev
}
