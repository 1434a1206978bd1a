package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// probes answer an orchestrator. live is false when the process should be restarted, and never depends on another service; ready is false when
// it should get no work; started is false while state is being restored for the first time.
type probes struct {
	live, ready, started func() bool
}

func (p probes) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", probe(p.live))
	mux.HandleFunc("GET /readyz", probe(p.ready))
	mux.HandleFunc("GET /startupz", probe(p.started))
}

func probe(ok func() bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if !ok() {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, "not yet")
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

// serveOps serves probes and metrics on addr until ctx ends. An empty addr serves nothing.
func serveOps(ctx context.Context, addr string, p probes, metrics http.Handler) error {
	if addr == "" {
		<-ctx.Done()
		return nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return exitf(ExitFailed, "--metrics-listen %s: %w: choose another address, or \"\" for none", addr, err)
	}
	mux := http.NewServeMux()
	p.register(mux)
	mux.Handle("GET /metrics", metrics)
	if isLoopback(ln.Addr()) {
		profiles(mux)
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute}
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx) // what is cut off is a scrape
	})
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics server: %w", err)
	}
	return nil
}

// profiles serves what the Go tools read: go tool pprof http://HOST:PORT/debug/pprof/profile. Only this machine gets them: a heap profile shows
// what the process is busy with, and asking for one costs processor time.
func profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
