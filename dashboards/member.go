package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// Member is the answer of GET /v1/members/{account}: what the account has, as ClickHouse knows it.
type Member struct {
	Account string         `json:"account_id"`
	Entries uint64         `json:"entries"`  // number of the last ledger entry
	AsOfMs  int64          `json:"as_of_ms"` // of the last receipt or timer that is in the balances
	Wallets []MemberWallet `json:"wallets"`  // the programme's currency first, which has no name
}

// MemberWallet is one wallet of a member, in minor units.
type MemberWallet struct {
	Wallet    string `json:"wallet" ch:"wallet"`
	Pending   int64  `json:"pending_minor" ch:"pending_minor"`
	Available int64  `json:"available_minor" ch:"available_minor"`
	Held      int64  `json:"held_minor" ch:"held_minor"`
	Earned    int64  `json:"lifetime_earned_minor" ch:"lifetime_earned_minor"`
	Entries   uint64 `json:"-" ch:"entries"`
	AsOfMs    int64  `json:"-" ch:"as_of_ms"`
}

// members answers for one account at a time.
type members struct {
	wallets func(ctx context.Context, account string) ([]MemberWallet, error)
	close   func()
}

// openMembers prepares the reading of balances; nil where there is no ClickHouse.
func openMembers(o *Options) (*members, error) {
	if o.Fixture || o.ClickHouseAddr == "" {
		return nil, nil
	}
	r, err := openReader(o.ClickHouseAddr, nil)
	if err != nil {
		return nil, err
	}
	return &members{close: r.close, wallets: func(ctx context.Context, account string) ([]MemberWallet, error) {
		return read[MemberWallet](ctx, r, "member_wallets", params{"account": account})
	}}, nil
}

// serveMember answers GET /v1/members/{account}.
func (s *Server) serveMember(w http.ResponseWriter, r *http.Request) {
	account := r.PathValue("account")
	switch {
	case s.members == nil:
		problem(w, http.StatusNotFound, "not here", "balances need ClickHouse, and this server was started without")
		return
	case len(account) > maxIDBytes:
		refuse(w, http.StatusBadRequest, codeParameter, "no such account", fault{Path: "/account", Observed: strconv.Itoa(len(account)) + " bytes", Expected: "at most " + strconv.Itoa(maxIDBytes) + " bytes"})
		return
	}
	wallets, err := s.members.wallets(r.Context(), account)
	switch {
	case err != nil:
		if !errors.Is(err, context.Canceled) {
			s.log.Warn("balances of a member failed", "error", err)
		}
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, codeUnavailable, "the balances could not be read, try again", fault{Observed: "no answer from ClickHouse", Expected: "an answer", Hint: "ask again after Retry-After seconds"})
	case len(wallets) == 0:
		refuse(w, http.StatusNotFound, codeUnknown, "no such account", fault{Path: "/account", Observed: "nothing", Expected: "an account of which a receipt or event has come", Hint: "what was sent a moment ago may not be there yet"})
	default:
		answerMember(w, account, wallets)
	}
}

func answerMember(w http.ResponseWriter, account string, wallets []MemberWallet) {
	data, err := json.Marshal(Member{Account: account, Entries: wallets[0].Entries, AsOfMs: wallets[0].AsOfMs, Wallets: wallets})
	if err != nil { // numbers, texts and lists of them always marshal
		problem(w, http.StatusInternalServerError, "the answer could not be written", err.Error())
		return
	}
	answer(w, data)
}
