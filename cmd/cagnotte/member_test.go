package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Merges and claims are events of the account, sent to the door under the id that was given.
func TestMemberMergeAndClaim(t *testing.T) {
	type sent struct {
		path string
		body map[string]any
	}
	var got []sent
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s := sent{path: r.URL.EscapedPath()}
		if err := json.Unmarshal(b, &s.body); err != nil {
			t.Error(err)
		}
		got = append(got, s)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer door.Close()
	g := &Globals{Out: io.Discard}
	in := memberDoor{ID: "desk:1", To: door.URL}
	if err := (&MemberMergeCmd{Account: "a/1", Into: "b", memberDoor: in}).Run(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	if err := (&MemberClaimCmd{Account: "a", Receipt: "S1:1:2026-11-22:7", Total: "42.10", memberDoor: in}).Run(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`/v1/members/a%2F1/events merge desk:1 {"into":"b"}`, `/v1/members/a/events claim desk:1 {"receipt":"S1:1:2026-11-22:7","total":"42.10"}`} {
		attributes, _ := json.Marshal(got[i].body["attributes"])
		if is := strings.Join([]string{got[i].path, got[i].body["event"].(string), got[i].body["event_id"].(string), string(attributes)}, " "); is != want {
			t.Errorf("sent %s, want %s", is, want)
		}
	}
}
