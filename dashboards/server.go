// Package dashboards serves the live pages: one HTTP server with the embedded web application, a JSON API, one stream of events per browser,
// and, when asked, the receipts API and the metrics endpoint beside them.
//
// Live figures come from the metrics topic and are added up in this process's memory; ClickHouse answers for history and for members, a few
// queries at a time, each shared by all viewers. However many people watch, the load behind stays the same.
package dashboards

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Options of a server. Listen and either Fixture or (Brokers, Codec, ClickHouseAddr) are needed.
type Options struct {
	Listen         string // host:port; port 0 takes a free one
	ClickHouseAddr string // native protocol, host:port; empty: no history and no member figures
	Brokers        []string
	ClientOpts     []kgo.Opt      // added to every Kafka client: TLS, SASL, a test's network
	Codec          *schemas.Codec // decodes metrics
	Ingest         http.Handler   // mounted under /v1/, nil: 404
	Metrics        http.Handler   // mounted at /metrics, nil: 404
	Logger         *slog.Logger   // nil: discarded
	Location       *time.Location // where days begin; nil: the machine's
	Currency       string         // of all amounts, ISO 4217; empty: EUR
	Fixture        bool           // show canned data, need neither Kafka nor ClickHouse
	MaxViewers     int            // open event streams at once; 0: 1000
	Observer       *Observer      // nil: nobody is told
}

// Observer is told what happens. Every callback is optional and must not block.
type Observer struct {
	// OnViewers is invoked with the number of open streams when it changes.
	OnViewers func(n int)
	// OnSkip is invoked when a slow viewer was sent the newest state instead of what it missed.
	OnSkip func()
	// OnQuery is invoked after each query to ClickHouse.
	OnQuery func(name string, took time.Duration, err error)
}

// Server is one dashboard server. Create it with New, then Run it; Handler may be used alone by tests.
type Server struct {
	opts     Options
	log      *slog.Logger
	hub      *hub
	feed     feed
	details  *details
	explain  *explanations // nil: no ClickHouse
	members  *members      // nil: no ClickHouse
	handler  http.Handler
	listener net.Listener
	viewers  atomic.Int64
	beat     atomic.Int64 // unix ms of the publisher's last turn
	stop     chan struct{}
}

// feed is where the pages' data come from: Kafka and ClickHouse, or the fixture.
type feed interface {
	// run keeps the feed current until ctx ends.
	run(ctx context.Context) error
	// snapshot returns the state of the page Now; it does no I/O.
	snapshot(now time.Time) Snapshot
	// detail returns one campaign's page; errUnknownCampaign when there is none of that id.
	detail(ctx context.Context, id string) (CampaignDetail, error)
	// watched tells the feed how many viewers there are, so that nothing is asked when nobody looks.
	watched(viewers int)
	// ready reports whether history has been read.
	ready() bool
	now() time.Time
}

var errUnknownCampaign = errors.New("unknown campaign")

// New binds the address and wires the server; nothing is read before Run.
func New(o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	s := &Server{opts: o, log: o.Logger, hub: newHub(newEpoch()), stop: make(chan struct{})}
	var err error
	if s.feed, err = newFeed(&s.opts); err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	s.details = newDetails(s.feed)
	if s.members, err = openMembers(&s.opts); err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	if s.explain, err = newExplanations(&s.opts); err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	if s.handler, err = s.routes(); err != nil {
		return nil, fmt.Errorf("dashboards: %w", err)
	}
	if s.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, fmt.Errorf("dashboards: listen on %s: %w", o.Listen, err)
	}
	return s, nil
}

func newFeed(o *Options) (feed, error) {
	if o.Fixture {
		return newFixture(o.Currency), nil
	}
	return newLive(o)
}

// complete fills defaults in and refuses what cannot work.
func (o *Options) complete() error {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Currency == "" {
		o.Currency = "EUR"
	}
	if o.MaxViewers <= 0 {
		o.MaxViewers = 1000
	}
	if o.Observer == nil {
		o.Observer = &Observer{}
	}
	if !o.Fixture && (len(o.Brokers) == 0 || o.Codec == nil) {
		return errors.New("brokers and a codec are needed to show live figures")
	}
	return nil
}

func newEpoch() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

// Addr returns the bound address, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Handler returns the whole site with its security headers.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves until ctx ends, then lets open requests finish for a few seconds. It returns nil after a clean stop.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	wg.Go(func() {
		if err := s.feed.run(ctx); err != nil && ctx.Err() == nil {
			failed <- fmt.Errorf("dashboards: feed: %w", err)
		}
	})
	wg.Go(func() { s.publish(ctx) })
	web := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	wg.Go(func() {
		if err := web.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("dashboards: serve: %w", err)
		}
	})
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	close(s.stop) // ends the streams, which Shutdown would wait for
	cancel()
	s.shutdown(web)
	s.explain.close()
	if s.members != nil {
		s.members.close()
	}
	wg.Wait()
	return err
}

func (s *Server) shutdown(web *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil {
		s.log.Warn("dashboard requests did not finish in time", "error", err)
		_ = web.Close() // nothing is left to do about an error here
	}
}

// publishEvery bounds how often viewers are sent something.
const publishEvery = 500 * time.Millisecond

// publish turns the feed's state into events until ctx ends.
func (s *Server) publish(ctx context.Context) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		s.beat.Store(time.Now().UnixMilli())
		s.hub.publish(s.feed.snapshot(s.feed.now()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
