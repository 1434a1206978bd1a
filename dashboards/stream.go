package dashboards

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	keepAlive    = 15 * time.Second
	writeTimeout = 10 * time.Second // a viewer that takes nothing for this long is let go
)

// serveStream sends the state of the page Now and then its changes; with ?campaign=ID also that campaign's page whenever it is new.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	n, leave := s.enter()
	if leave == nil {
		problem(w, http.StatusServiceUnavailable, "too many viewers", fmt.Sprintf("%d streams are open; try again later or raise the limit", n))
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	v := &viewer{hub: s.hub, out: w, control: http.NewResponseController(w), skip: s.opts.Observer.OnSkip}
	if seq, ok := s.hub.parseEventID(lastEventID(r)); ok {
		v.seq, v.known = seq, true
	}
	if id := r.URL.Query().Get("campaign"); id != "" {
		watch := s.details.watch(id)
		defer watch.release()
		v.watch = watch
	}
	v.follow(r.Context(), s.stop)
}

// lastEventID is the header, or the parameter for a stream that was reopened by hand.
func lastEventID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("last_event_id")
}

// enter counts a viewer; leave is nil when there are too many.
func (s *Server) enter() (n int, leave func()) {
	n = int(s.viewers.Add(1))
	if n > s.opts.MaxViewers {
		s.viewers.Add(-1)
		return n - 1, nil
	}
	s.tellViewers(n)
	return n, func() { s.tellViewers(int(s.viewers.Add(-1))) }
}

func (s *Server) tellViewers(n int) {
	s.feed.watched(n)
	if f := s.opts.Observer.OnViewers; f != nil {
		f(n)
	}
}

// viewer is one open stream.
type viewer struct {
	hub     *hub
	out     http.ResponseWriter
	control *http.ResponseController
	watch   *watch // nil: no campaign
	skip    func() // nil: nobody is told
	seq     uint64 // last event sent
	known   bool   // false: the viewer has no state yet
	version uint64 // of the campaign page sent
}

// follow sends until the viewer leaves, takes nothing any more, or the server stops.
func (v *viewer) follow(ctx context.Context, stop <-chan struct{}) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	if v.write("retry: 2000\n\n") != nil {
		return
	}
	for {
		changed, page := v.hub.changes(), v.watch.changes() // taken before reading, so that nothing is missed in between
		if v.sendState() != nil || v.sendPage() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-stop:
			return
		case <-changed:
		case <-page:
		case <-alive.C:
			if v.write(": still here\n\n") != nil {
				return
			}
		}
	}
}

// sendState sends what the viewer has not seen: the events one by one, or the newest state.
func (v *viewer) sendState() error {
	if v.known {
		if events, ok := v.hub.since(v.seq); ok {
			return v.sendEvents(events)
		}
		if v.skip != nil {
			v.skip()
		}
	}
	data, seq := v.hub.newest()
	if data == nil {
		return nil
	}
	v.seq, v.known = seq, true
	return v.write("event: snapshot\nid: %s-%d\ndata: %s\n\n", v.hub.epoch, seq, data)
}

func (v *viewer) sendEvents(events []event) error {
	for _, e := range events {
		if err := v.write("event: delta\nid: %s-%d\ndata: %s\n\n", v.hub.epoch, e.seq, e.data); err != nil {
			return err
		}
		v.seq = e.seq
	}
	return nil
}

// sendPage sends the campaign's page when it is newer than what the viewer has. It carries no id: a reconnect gets the newest anyway.
func (v *viewer) sendPage() error {
	data, version := v.watch.newest()
	if data == nil || version == v.version {
		return nil
	}
	v.version = version
	return v.write("event: campaign\ndata: %s\n\n", data)
}

func (v *viewer) write(format string, args ...any) error {
	if err := v.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("write deadline: %w", err)
	}
	if _, err := fmt.Fprintf(v.out, format, args...); err != nil {
		return err
	}
	return v.control.Flush()
}
