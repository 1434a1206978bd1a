package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// memberDoor says under which id, when and where an event goes in.
type memberDoor struct {
	ID       string        `help:"Id of the event; sent again under it, it counts once (default: one of its own)."`
	At       time.Time     `help:"When it happened (default: now)." placeholder:"2026-12-01T18:00:00Z"`
	Store    string        `help:"Shop where it happened."`
	Operator string        `help:"Operator who did it."`
	To       string        `help:"Where the door is (default: a dev in this directory, else http://localhost:8080)." placeholder:"URL"`
	GiveUp   time.Duration `default:"30s" help:"Stop when the door answered with 429, 5xx or nothing for so long."`
}

// MemberEventCmd sends one event of an account.
type MemberEventCmd struct {
	Account    string   `arg:"" help:"Token of the loyalty account."`
	Kind       string   `arg:"" help:"What happened: enrol, birthday, consent, segment, opt_in, opt_out, club, hold, commit, cancel, redeem, refund, adjust, merge, claim, or a kind of your campaigns."`
	Attributes []string `arg:"" optional:"" help:"What the kind needs, as key=value."`
	memberDoor
}

// MemberMergeCmd merges accounts.
type MemberMergeCmd struct {
	Account string `arg:"" help:"Account that is closed."`
	Into    string `arg:"" help:"Account that goes on, with all the other has."`
	memberDoor
}

// Run sends the event merge.
func (c *MemberMergeCmd) Run(ctx context.Context, g *Globals) error {
	return (&MemberEventCmd{Account: c.Account, Kind: "merge", Attributes: []string{"into=" + c.Into}, memberDoor: c.memberDoor}).Run(ctx, g)
}

// MemberClaimCmd claims a receipt.
type MemberClaimCmd struct {
	Account string `arg:"" help:"Account that claims."`
	Receipt string `arg:"" help:"Id of the receipt."`
	Total   string `help:"What the ticket says was paid: the claim is refused when the receipt says otherwise." placeholder:"42.10"`
	memberDoor
}

// Run sends the event claim.
func (c *MemberClaimCmd) Run(ctx context.Context, g *Globals) error {
	e := MemberEventCmd{Account: c.Account, Kind: "claim", Attributes: []string{"receipt=" + c.Receipt}, memberDoor: c.memberDoor}
	if c.Total != "" {
		e.Attributes = append(e.Attributes, "total="+c.Total)
	}
	return e.Run(ctx, g)
}

// Run sends the event until it is stored or refused; a refusal ends with 3.
func (c *MemberEventCmd) Run(ctx context.Context, g *Globals) error {
	target, body, err := c.request()
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 20 * time.Second}
	for attempt, since := 0, time.Now(); ; attempt++ {
		text, wait, err := c.try(ctx, client, target, body)
		if err == nil && wait == 0 {
			_, err = fmt.Fprintln(g.Out, strings.TrimSpace(string(text)))
			return err
		}
		if wait == 0 || ctx.Err() != nil {
			return err
		}
		if time.Since(since) > c.GiveUp {
			return exitf(ExitUnreachable, "gave up after %v: %w; send it again with --id %s: it counts once", c.GiveUp, err, c.ID)
		}
		if err := sleep(ctx, max(fullJitter(attempt), wait)); err != nil {
			return err
		}
	}
}

// request builds what is sent, always the same for one command.
func (c *MemberEventCmd) request() (target string, body []byte, err error) {
	attributes := map[string]string{}
	for _, pair := range c.Attributes {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return "", nil, exitf(ExitUsage, "%q is not key=value, such as amount=5.00", pair)
		}
		attributes[key] = value
	}
	base, err := doorURL(c.To)
	if err != nil {
		return "", nil, err
	}
	if c.At.IsZero() {
		c.At = time.Now()
	}
	if c.ID == "" {
		var b [12]byte
		_, _ = rand.Read(b[:]) // never fails, by its documentation
		c.ID = "cli:" + hex.EncodeToString(b[:])
	}
	body, err = json.Marshal(map[string]any{
		"event_id": c.ID, "event": c.Kind, "at": c.At.UnixMilli(), "store_id": c.Store, "operator_id": c.Operator, "attributes": attributes,
	})
	return base + "/v1/members/" + url.PathEscape(c.Account) + "/events", body, err
}

// try sends once. A wait above zero says that the event may be sent again, with the reason.
func (c *MemberEventCmd) try(ctx context.Context, client *http.Client, target string, body []byte) (text []byte, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return nil, 200 * time.Millisecond, err
	}
	defer res.Body.Close()
	text, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, 200 * time.Millisecond, err
	}
	switch {
	case res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusOK:
		return text, 0, nil
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // none: soon
		return nil, time.Duration(min(max(seconds, 1), 60)) * time.Second, fmt.Errorf("%s answered %s: %s", target, res.Status, reasonOf(text))
	case res.StatusCode == http.StatusUnprocessableEntity || res.StatusCode == http.StatusBadRequest:
		return nil, 0, exitf(ExitInvalid, "the event was refused: %s", reasonOf(text))
	}
	return nil, 0, exitf(ExitFailed, "%s answered %s: %s", target, res.Status, reasonOf(text))
}
