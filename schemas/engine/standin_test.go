package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// BeServer runs the library as the configuration of `clickhouse server --config-file F` says, for the stand-in of the server's test.
func BeServer(library string, args []string) error {
	if len(args) != 3 || args[0] != "server" || args[1] != "--config-file" {
		return fmt.Errorf("called as %q", args)
	}
	config, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	spec := hostSpec{Program: program{Path: library, Library: true}, Dir: filepath.Dir(filepath.Dir(args[2]))}
	for name, port := range map[string]*int{"tcp_port": &spec.TCPPort, "http_port": &spec.HTTPPort} {
		m := regexp.MustCompile("<" + name + ">([0-9]+)<").FindSubmatch(config)
		if m == nil {
			return fmt.Errorf("no %s in %s", name, args[2])
		}
		if *port, err = strconv.Atoi(string(m[1])); err != nil {
			return err
		}
	}
	return runLibrary(spec, args[2])
}
