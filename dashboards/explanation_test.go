package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/retail"
)

// explaining is a server whose facts are given.
func explaining(t *testing.T, facts func(context.Context, retail.ReceiptID) (*explain.Facts, error)) *Server {
	t.Helper()
	words, err := explain.New()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := serve(t, Options{Fixture: true})
	s.explain = &explanations{words: words, slots: make(chan struct{}, 1), facts: facts}
	return s
}

func ask(s *Server, path string, headers ...string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	s.Handler().ServeHTTP(w, r)
	return w
}

// TestExplanation: an answer in the language asked for, and a problem with a code for whatever cannot be answered.
func TestExplanation(t *testing.T) {
	s := explaining(t, func(_ context.Context, id retail.ReceiptID) (*explain.Facts, error) {
		switch id {
		case "broken":
			return nil, errors.New("no answer")
		case "nobody":
			return &explain.Facts{ReceiptID: id, Processed: -1}, nil
		}
		return &explain.Facts{ReceiptID: id, Processed: -1, Letters: []explain.Letter{{Code: retail.CodeTotal, Detail: "observed 3.00, expected 2.00"}}}, nil
	})
	cases := []struct {
		path, accept, holds string
		status              int
	}{
		{"/v1/receipts/a%2Fb%20c/explanation", "", `"receipt_id":"a/b c"`, 200},
		{"/v1/receipts/r/explanation", "fr-FR,fr;q=0.9", "Le ticket a été refusé", 200},
		{"/v1/receipts/r/explanation?lang=en", "fr", "The receipt was refused", 200},
		{"/v1/receipts/r/explanation?lang=de", "", "API-0009", 400},
		{"/v1/receipts/" + strings.Repeat("x", 129) + "/explanation", "", "API-0009", 400},
		{"/v1/receipts/nobody/explanation", "", "API-0008", 404},
		{"/v1/receipts/broken/explanation", "", "API-0006", 503},
	}
	for _, tc := range cases {
		w := ask(s, tc.path, "Accept-Language", tc.accept)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.holds) {
			t.Errorf("%s: %d %s", tc.path, w.Code, w.Body)
		}
		checkProblem(t, tc.path, w)
	}
	s.explain.slots <- struct{}{}
	if w := ask(s, "/v1/receipts/r/explanation"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "API-0005") {
		t.Errorf("a full house: %d %s", w.Code, w.Body)
	}
	s.explain = nil
	if w := ask(s, "/v1/receipts/r/explanation"); w.Code != http.StatusNotFound {
		t.Errorf("without ClickHouse: %d %s", w.Code, w.Body)
	}
}

// checkProblem holds for what is not a success: the media type, the status inside and a type that is a URI.
func checkProblem(t *testing.T, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code == http.StatusOK {
		return
	}
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
		Errors                    []fault
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	u, err := url.Parse(p.Type)
	if err != nil || u.Scheme != "urn" || p.Status != w.Code || p.Code == "" || p.Title == "" || len(p.Errors) != 1 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") {
		t.Errorf("%s: %v %+v %v", path, err, p, w.Header())
	}
}
