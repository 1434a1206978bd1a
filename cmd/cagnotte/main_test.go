package main

import (
	"os"
	"testing"

	"cagnotte/loadtest/cluster"
	"cagnotte/schemas/engine"

	"github.com/rogpeppe/go-internal/testscript"
)

// asCommand makes the test binary the command, for tests that need a process of their own to kill.
const asCommand = "CAGNOTTE_TEST_COMMAND"

func TestMain(m *testing.M) {
	engine.HostIfChild()
	cluster.HostIfChild()
	if os.Getenv(asCommand) == "1" {
		main()
	}
	testscript.Main(m, map[string]func(){"cagnotte": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			cache, err := os.UserCacheDir()
			if err != nil {
				return err
			}
			env.Setenv("XDG_CACHE_HOME", cache) // what was fetched once is not fetched again
			return nil
		},
	})
}
