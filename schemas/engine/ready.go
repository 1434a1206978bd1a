package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// loopback is the only address the engine listens on: it has no password.
const loopback = "127.0.0.1"

var (
	errPortTaken = errors.New("port is taken")
	errEnded     = errors.New("the engine ended while starting")
)

// Free ports are drawn from this range, below the one that systems use for outgoing connections: a port from there may be taken by anybody's
// connection while the engine is away, and then it could not come back to its address.
const (
	firstPort = 20_000
	lastPort  = 32_000
	portDraws = 50
)

// choosePorts returns the ports to listen on, each a free one where 0 was asked for.
func choosePorts(tcp, http int) (tcpPort, httpPort int, err error) {
	// Both are held until both are known, so that the same one is not given out twice.
	a, err := listen(tcp)
	if err != nil {
		return 0, 0, portError("native", tcp, err)
	}
	defer a.Close()
	b, err := listen(http)
	if err != nil {
		return 0, 0, portError("HTTP", http, err)
	}
	defer b.Close()
	return a.Addr().(*net.TCPAddr).Port, b.Addr().(*net.TCPAddr).Port, nil
}

// listen listens on a port, or on any free one when it is 0.
func listen(port int) (net.Listener, error) {
	if port != 0 {
		return net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	}
	for range portDraws {
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort))))
		if err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", net.JoinHostPort(loopback, "0"))
}

func portError(what string, port int, err error) error {
	return fmt.Errorf("start engine: %w: %s port %d (%v): choose another one, or 0 for any free one", errPortTaken, what, port, err)
}

// awaitReady returns nil once the engine answers a query on its native port.
func (e *Engine) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		select {
		case <-e.done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("%w (last attempt: %v)", ctx.Err(), last)
		case <-tick.C:
			if last = ping(ctx, e.Addr); last == nil {
				return nil
			}
		}
	}
}

func ping(ctx context.Context, addr string) error {
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{addr}, DialTimeout: 2 * time.Second, ReadTimeout: 5 * time.Second, MaxOpenConns: 1})
	if err != nil {
		return err
	}
	defer conn.Close()
	var one uint8
	return conn.QueryRow(ctx, "SELECT 1").Scan(&one)
}

// startError says what the child printed, and sorts out the cases with a remedy of their own.
func startError(err error, output string) error {
	output = strings.TrimSpace(output)
	switch {
	case strings.Contains(output, "Address already in use"):
		return fmt.Errorf("start engine: %w: %s", errPortTaken, lastLines(output, 3))
	case strings.Contains(output, lockBusy):
		return fmt.Errorf("start engine: %s", lastLines(output, 1))
	case strings.Contains(output, "No space left on device"):
		return fmt.Errorf("start engine: the disk is full: free some space, or choose another directory: %s", lastLines(output, 3))
	case output == "":
		return fmt.Errorf("start engine: %w", err)
	}
	return fmt.Errorf("start engine: %w: %s", err, lastLines(output, 8))
}

func lastLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
