package dashboards

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// routes wires the site:
//
//	GET /                       the pages
//	GET /assets/...             their files
//	GET /api/now                the state of the page Now
//	GET /api/campaigns/{id}     one campaign's page
//	GET /api/stream             both, live: ?campaign=ID adds the campaign
//	GET /v1/receipts/{id}/explanation  what became of a receipt and why: ?lang=fr|en
//	GET /v1/members/{account}   what an account has, by wallet
//	    /v1/...                 the receipts API, where there is one
//	GET /metrics                Prometheus, where there is one
//	GET /livez /readyz /startupz
func (s *Server) routes() (http.Handler, error) {
	files, err := loadAssets()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	index := files["/index.html"]
	mux.HandleFunc("GET /{$}", index.serve)
	mux.Handle("/", files) // without a method: /v1/ takes them all, and neither may hide the other
	mux.HandleFunc("GET /api/now", s.serveNow)
	mux.HandleFunc("GET /api/campaigns/{id}", s.serveCampaign)
	mux.HandleFunc("GET /api/stream", s.serveStream)
	mux.HandleFunc("GET /livez", s.serveLive)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /startupz", s.serveReady)
	mux.HandleFunc("GET /v1/receipts/{id}/explanation", s.serveExplanation)
	mux.HandleFunc("GET /v1/members/{account}", s.serveMember)
	mux.Handle("/v1/", orMissing(s.opts.Ingest, "the receipts API is not served here"))
	mux.Handle("GET /metrics", orMissing(s.opts.Metrics, "metrics are not served here"))
	return secure(mux), nil
}

func orMissing(h http.Handler, why string) http.Handler {
	if h != nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { problem(w, http.StatusNotFound, "not here", why) })
}

// serveNow answers with the newest published state.
func (s *Server) serveNow(w http.ResponseWriter, _ *http.Request) {
	data, _ := s.hub.newest()
	if data == nil {
		problem(w, http.StatusServiceUnavailable, "starting", "nothing has been read yet; ask again in a second")
		return
	}
	answer(w, data)
}

func (s *Server) serveCampaign(w http.ResponseWriter, r *http.Request) {
	data, err := s.details.get(r.Context(), r.PathValue("id"))
	switch {
	case err == nil:
		answer(w, data)
	case errors.Is(err, errUnknownCampaign):
		problem(w, http.StatusNotFound, "unknown campaign", "GET /api/now lists the campaigns")
	default:
		s.log.Warn("campaign page failed", "campaign", r.PathValue("id"), "error", err)
		problem(w, http.StatusServiceUnavailable, "campaign page failed", "the figures could not be read now; ask again in a few seconds")
	}
}

func answer(w http.ResponseWriter, data []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(data) // a viewer that left is no error of ours
}

// problem answers by RFC 9457.
func problem(w http.ResponseWriter, status int, title, detail string) {
	data, err := json.Marshal(map[string]any{"title": title, "status": status, "detail": detail})
	if err != nil {
		http.Error(w, title, status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data) // a viewer that left is no error of ours
}

// serveLive says whether the publisher turns; it asks nothing of anybody else.
func (s *Server) serveLive(w http.ResponseWriter, _ *http.Request) {
	if beat := s.beat.Load(); beat != 0 && time.Since(time.UnixMilli(beat)) > 20*publishEvery {
		problem(w, http.StatusServiceUnavailable, "stuck", "the publisher has not turned for ten seconds")
		return
	}
	answer(w, []byte(`{"status":"ok"}`))
}

// serveReady says whether history has been read.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !s.feed.ready() {
		problem(w, http.StatusServiceUnavailable, "starting", "history is still being read")
		return
	}
	answer(w, []byte(`{"status":"ok"}`))
}
