package ingest

import (
	"fmt"
	"testing"
)

func TestSeen(t *testing.T) {
	s := newSeen(100)
	s.add("a", 1)
	s.add("a", 2) // the first content stays
	if known, same := s.check("a", 1); !known || !same {
		t.Error("a is not known")
	}
	if known, same := s.check("a", 2); !known || same {
		t.Error("other content is the same")
	}
	if known, _ := s.check("b", 1); known {
		t.Error("b is known")
	}
}

// It is bounded, forgets the oldest, and keeps what is asked for.
func TestSeenIsBounded(t *testing.T) {
	s := newSeen(100)
	s.add("kept", 7)
	for i := range 1000 {
		s.add(fmt.Sprint(i), uint64(i))
		if known, same := s.check("kept", 7); !known || !same {
			t.Fatalf("forgotten after %d", i)
		}
		if n := len(s.young) + len(s.old); n > 100 {
			t.Fatalf("%d ids are kept", n)
		}
	}
	if known, _ := s.check("0", 0); known {
		t.Error("the oldest is still known")
	}
	if known, same := s.check("999", 999); !known || !same {
		t.Error("the youngest is not known")
	}
	s.add("960", 1)
	if known, same := s.check("960", 960); !known || !same {
		t.Error("the first content of an old id was lost")
	}
}
