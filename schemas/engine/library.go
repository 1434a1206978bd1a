//go:build linux || darwin

package engine

import (
	"fmt"
	"runtime"
	"strconv"
	"unsafe"

	"github.com/ebitengine/purego"
)

// serveQuery makes the library listen, and then wait for the end of its standard input: that is what ends it with its parent.
const serveQuery = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; " +
	"SELECT * FROM file('/dev/stdin', LineAsString, 'l String') FORMAT Null"

// runLibrary serves until standard input closes.
func runLibrary(spec hostSpec, config string) error {
	lib, err := purego.Dlopen(spec.Program.Path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load the engine's library: %w: remove %s so that it is fetched again", err, spec.Program.Path)
	}
	var query func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	var resultError func(unsafe.Pointer) string
	purego.RegisterLibFunc(&query, lib, "chdb_query_cmdline")
	purego.RegisterLibFunc(&resultError, lib, "chdb_result_error")
	args := []string{
		"clickhouse", "--config-file", config, "--path", spec.Dir, "--listen_host", loopback,
		"--tcp_port", strconv.Itoa(spec.TCPPort), "--http_port", strconv.Itoa(spec.HTTPPort), "--query", serveQuery,
	}
	argv, release := cStrings(args)
	defer release()
	result := query(int32(len(args)), argv)
	if result == nil {
		return fmt.Errorf("run the engine's library: no result")
	}
	if msg := resultError(result); msg != "" {
		return fmt.Errorf("run the engine's library: %s", msg)
	}
	return nil
}

// cStrings builds a C argv that stays in place until release is called.
func cStrings(args []string) (argv unsafe.Pointer, release func()) {
	pin := new(runtime.Pinner)
	ptrs := make([]*byte, len(args)+1)
	for i, a := range args {
		b := append([]byte(a), 0)
		pin.Pin(&b[0])
		ptrs[i] = &b[0]
	}
	pin.Pin(&ptrs[0])
	return unsafe.Pointer(&ptrs[0]), pin.Unpin
}
