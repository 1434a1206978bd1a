package ingest

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzSplit cuts arbitrary bodies: no panic, never more than one piece too many, and of a valid array exactly its elements.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{``, `[]`, `[{}]`, `[{"a":"],[\""},[1,[2]],"x"]`, "{}\n\n{}\r\n", `[1,2`, " [ 1 , 2 ] ", `[[[[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range splitLines(body) {
			if len(p.text) == 0 || p.line < 1 || bytes.IndexByte(p.text, '\n') >= 0 {
				t.Fatalf("piece %+v", p)
			}
			whole := bytes.Split(body, []byte{'\n'})[p.line-1]
			if json.Valid(p.text) != json.Valid(whole) { // what is cut off a line is what JSON may have around a value
				t.Fatalf("line %q is taken for %q", whole, p.text)
			}
		}
		pieces, pr := splitArray(body)
		var want []json.RawMessage
		if err := json.Unmarshal(body, &want); err != nil || want == nil {
			if pr == nil && err != nil {
				t.Fatal("cut what is not an array")
			}
			return
		}
		if len(want) > MaxBatch {
			if len(pieces) <= MaxBatch {
				t.Fatal("a piece got lost")
			}
			return
		}
		if pr != nil || len(pieces) != len(want) {
			t.Fatalf("%d pieces (%v), want %d", len(pieces), pr, len(want))
		}
		for i := range want {
			if string(pieces[i].text) != string(bytes.TrimSpace(want[i])) || pieces[i].line != i+1 {
				t.Fatalf("piece %d is %s, want %s", i, pieces[i].text, want[i])
			}
		}
	})
}
