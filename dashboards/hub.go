package dashboards

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	replayFor = 60 * time.Second // how long an event can be asked for again
	maxReplay = 8                // a viewer that missed more gets the newest state instead
	quietFor  = 5 * time.Second  // something is sent at least this often, so that a silent line can be told from a quiet shop
)

// hub numbers the states of the page Now and keeps the changes of the last minute. Viewers read from it at their own pace; nothing waits for
// them. Safe for concurrent use.
type hub struct {
	epoch string

	mu       sync.Mutex
	last     Snapshot
	lastJSON []byte // of last, made when first asked for
	sentAt   time.Time
	ring     []event // ascending seq
	wake     chan struct{}
}

// event is one change, ready to be sent.
type event struct {
	seq  uint64
	at   time.Time
	data []byte
}

// delta is what changed from one state to the next. Absent fields stay; present ones replace, except that series are written over the tail
// and campaigns over their rows.
type delta struct {
	Seq         uint64        `json:"seq"`
	NowMs       int64         `json:"now_ms"`
	AsOfMs      int64         `json:"as_of_ms"`
	BehindMs    int64         `json:"behind_ms"`
	Starting    bool          `json:"starting"`
	Today       *Totals       `json:"today,omitempty"`
	Minute      *Minute       `json:"minute,omitempty"`
	Lag         *Lag          `json:"lag,omitempty"`
	Budget      *Budget       `json:"budget,omitempty"`
	Series      *Series       `json:"series,omitempty"`
	Campaigns   []CampaignRow `json:"campaigns,omitempty"`
	Order       []string      `json:"order,omitzero"` // an empty list is news too
	DeadLetters *DeadLetters  `json:"dead_letters,omitempty"`
}

func newHub(epoch string) *hub { return &hub{epoch: epoch, wake: make(chan struct{})} }

// publish makes s the newest state and wakes the viewers, unless nothing changed and the line was not quiet for long.
func (h *hub) publish(s Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, changed := difference(&h.last, &s)
	now := time.Now()
	if h.last.Seq > 0 && !changed && now.Sub(h.sentAt) < quietFor {
		return
	}
	s.Epoch, s.Seq = h.epoch, h.last.Seq+1
	d.Seq = s.Seq
	data, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("dashboards: a delta has no JSON: %v", err)) // only numbers and strings: a mistake of the types
	}
	h.last, h.lastJSON, h.sentAt = s, nil, now
	h.ring = append(expired(h.ring, now), event{s.Seq, now, data})
	close(h.wake)
	h.wake = make(chan struct{})
}

// expired drops the events that are too old to be asked for.
func expired(ring []event, now time.Time) []event {
	n := 0
	for n < len(ring) && now.Sub(ring[n].at) > replayFor {
		n++
	}
	return append(ring[:0], ring[n:]...)
}

// changes returns a channel that is closed at the next event.
func (h *hub) changes() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.wake
}

// since returns the events after seq, and false when they are not all there any more or are so many that the newest state is shorter.
func (h *hub) since(seq uint64) ([]event, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seq == h.last.Seq {
		return nil, true
	}
	if seq > h.last.Seq || h.last.Seq-seq > maxReplay || len(h.ring) == 0 || h.ring[0].seq > seq+1 {
		return nil, false
	}
	first := len(h.ring) - int(h.last.Seq-seq)
	return append([]event(nil), h.ring[first:]...), true
}

// newest returns the newest state as JSON with its number; nil before the first.
func (h *hub) newest() ([]byte, uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.Seq == 0 {
		return nil, 0
	}
	if h.lastJSON == nil {
		data, err := json.Marshal(&h.last)
		if err != nil {
			panic(fmt.Sprintf("dashboards: a snapshot has no JSON: %v", err))
		}
		h.lastJSON = data
	}
	return h.lastJSON, h.last.Seq
}

// parseEventID reads <epoch>-<seq>; false when it is not of this hub.
func (h *hub) parseEventID(id string) (uint64, bool) {
	epoch, number, ok := strings.Cut(id, "-")
	if !ok || epoch != h.epoch {
		return 0, false
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	return seq, err == nil
}

// difference compares two states. Only the clock and the delay moving is no change.
func difference(a, b *Snapshot) (d delta, changed bool) {
	d = delta{NowMs: b.NowMs, AsOfMs: b.AsOfMs, BehindMs: b.BehindMs, Starting: b.Starting}
	changed = a.AsOfMs != b.AsOfMs || a.Starting != b.Starting
	put(&d.Today, a.Today, b.Today, &changed)
	put(&d.Minute, a.Minute, b.Minute, &changed)
	put(&d.Lag, a.Lag, b.Lag, &changed)
	put(&d.Budget, a.Budget, b.Budget, &changed)
	if tail := seriesTail(&a.Series, &b.Series); tail != nil {
		d.Series, changed = tail, true
	}
	if !reflect.DeepEqual(a.DeadLetters, b.DeadLetters) {
		d.DeadLetters, changed = &b.DeadLetters, true
	}
	d.Campaigns, d.Order = rowChanges(a.Campaigns, b.Campaigns)
	return d, changed || len(d.Campaigns) > 0 || d.Order != nil
}

func put[T comparable](field **T, a, b T, changed *bool) {
	if a != b {
		*field, *changed = &b, true
	}
}

// rowChanges returns the rows that differ and, when the list itself differs, its new order.
func rowChanges(a, b []CampaignRow) (rows []CampaignRow, order []string) {
	old := make(map[string]*CampaignRow, len(a))
	for i := range a {
		old[a[i].ID] = &a[i]
	}
	same := len(a) == len(b)
	for i := range b {
		if o := old[b[i].ID]; o == nil || !reflect.DeepEqual(*o, b[i]) {
			rows = append(rows, b[i])
		}
		same = same && a[i].ID == b[i].ID
	}
	if same {
		return rows, nil
	}
	order = make([]string, len(b))
	for i := range b {
		order[i] = b[i].ID
	}
	return rows, order
}

// seriesTail returns the steps of b that a does not have or has otherwise; nil when there are none.
func seriesTail(a, b *Series) *Series {
	n := len(b.Receipts)
	from := 0
	if a.StepMs == b.StepMs && b.StepMs > 0 {
		shift := int((b.FromMs - a.FromMs) / b.StepMs)
		for from < n && shift >= 0 && from+shift < len(a.Receipts) && sameStep(a, from+shift, b, from) {
			from++
		}
	}
	if from == n {
		return nil
	}
	return &Series{
		StepMs: b.StepMs, FromMs: b.FromMs + int64(from)*b.StepMs, Receipts: b.Receipts[from:], Members: b.Members[from:],
		Rejected: b.Rejected[from:], GrantedMinor: b.GrantedMinor[from:], LagMs: b.LagMs[from:],
	}
}

func sameStep(a *Series, i int, b *Series, j int) bool {
	return a.Receipts[i] == b.Receipts[j] && a.Members[i] == b.Members[j] && a.Rejected[i] == b.Rejected[j] &&
		a.GrantedMinor[i] == b.GrantedMinor[j] && a.LagMs[i] == b.LagMs[j]
}
