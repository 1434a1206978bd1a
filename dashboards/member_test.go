package dashboards

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// TestMember: what an account has, and a problem with a code for whatever cannot be answered.
func TestMember(t *testing.T) {
	s, _ := serve(t, Options{Fixture: true})
	s.members = &members{close: func() {}, wallets: func(_ context.Context, account string) ([]MemberWallet, error) {
		switch account {
		case "broken":
			return nil, errors.New("no answer")
		case "nobody":
			return nil, nil
		}
		return []MemberWallet{{Pending: 100, Available: -50, Held: 7, Earned: 900, Entries: 12, AsOfMs: 5}, {Wallet: "points", Available: 7000, Entries: 12, AsOfMs: 5}}, nil
	}}
	for _, c := range []struct {
		path, holds string
		status      int
	}{
		{"/v1/members/m%2F1", `{"account_id":"m/1","entries":12,"as_of_ms":5,"wallets":[{"wallet":"","pending_minor":100,"available_minor":-50,"held_minor":7,"lifetime_earned_minor":900},{"wallet":"points"`, 200},
		{"/v1/members/nobody", "API-0008", 404},
		{"/v1/members/broken", "API-0006", 503},
		{"/v1/members/" + strings.Repeat("x", 129), "API-0009", 400},
	} {
		w := ask(s, c.path)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%s: %d %s", c.path, w.Code, w.Body)
		}
		checkProblem(t, c.path, w)
	}
	s.members = nil
	if w := ask(s, "/v1/members/m"); w.Code != http.StatusNotFound {
		t.Errorf("without ClickHouse: %d %s", w.Code, w.Body)
	}
}
