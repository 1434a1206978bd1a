package pipeline

import "testing"

// FuzzCommitRecord: any bytes as a COMMIT record are refused, or are one that comes back as it was.
func FuzzCommitRecord(f *testing.F) {
	f.Add(commitRecord{Next: 9, Ruleset: 1, Clock: 1_796_081_400_000, EventAt: -1, Counter: 1 << 40, Hash: 1 << 63, Owner: "cagnotte-0"}.append(nil))
	f.Add([]byte{commitVersion, 0, 0, 0, 0, 0})
	f.Add([]byte{commitVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCommit(b)
		if err != nil {
			return
		}
		if again, err := parseCommit(c.append(nil)); err != nil || again != c {
			t.Fatalf("%x: %+v comes back as %+v, %v", b, c, again, err)
		}
	})
}

// FuzzReading: the same of the note that says how far the messages about budgets were read; no position is negative.
func FuzzReading(f *testing.F) {
	f.Add((&reading{requests: 7, grants: 1 << 40}).append(nil))
	f.Add([]byte{readingVersion, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again reading
		if r.decode(b) != nil {
			return
		}
		if err := again.decode(r.append(nil)); err != nil || again != r || r.requests < 0 || r.grants < 0 {
			t.Fatalf("%x: %+v comes back as %+v, %v", b, r, again, err)
		}
	})
}
