package pipeline

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// simNet is one process's view of the virtual network. Killing it drops every connection at once, as a power cut does; freezing it stops all
// traffic both ways, as a long pause of the process does, while its peers go on.
type simNet struct {
	stack *kfake.VirtualNetwork

	mu    sync.Mutex
	dead  bool
	thaw  chan struct{} // nil: not frozen
	conns []net.Conn
}

var errCut = errors.New("network is cut")

func (n *simNet) dial(ctx context.Context, network, host string) (net.Conn, error) {
	if err := n.gate(); err != nil {
		return nil, err
	}
	c, err := n.stack.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		_ = c.Close()
		return nil, errCut
	}
	n.conns = append(n.conns, c)
	return &simConn{Conn: c, net: n}, nil
}

// gate waits while frozen and fails when dead.
func (n *simNet) gate() error {
	n.mu.Lock()
	thaw := n.thaw
	n.mu.Unlock()
	if thaw != nil {
		<-thaw
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return errCut
	}
	return nil
}

func (n *simNet) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = true
	for _, c := range n.conns {
		_ = c.Close()
	}
	n.conns = nil
}

// freeze stops traffic until the returned function is called.
func (n *simNet) freeze() (release func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.thaw != nil {
		return func() {}
	}
	thaw := make(chan struct{})
	n.thaw = thaw
	return func() {
		n.mu.Lock()
		n.thaw = nil
		n.mu.Unlock()
		close(thaw)
	}
}

type simConn struct {
	net.Conn
	net *simNet
}

func (c *simConn) Read(b []byte) (int, error) {
	if err := c.net.gate(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if gerr := c.net.gate(); gerr != nil {
		return 0, gerr
	}
	return n, err
}

func (c *simConn) Write(b []byte) (int, error) {
	if err := c.net.gate(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
