package drive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Throughput is what a consumer of the receipts came to, taken from five percent of the way to the end, so that starting up does not count.
type Throughput struct {
	Seconds             float64 `json:"seconds"`
	PerSecond           float64 `json:"receipts_per_second"`
	CPUMicros           float64 `json:"cpu_us_per_receipt"`
	CPUMicrosSecondHalf float64 `json:"cpu_us_per_receipt_second_half"`
	PerCore             float64 `json:"receipts_per_second_per_core"`
	MemoryMB            float64 `json:"rss_mb"`
	PeakMB              float64 `json:"peak_rss_mb"`
	Allocations         float64 `json:"allocations_per_receipt,omitempty"`
}

// String is one line.
func (t Throughput) String() string {
	return fmt.Sprintf("%.0f receipts/s, %.2f us of CPU per receipt (second half %.2f), %.0f MB", t.PerSecond, t.CPUMicros, t.CPUMicrosSecondHalf, t.MemoryMB)
}

// meter watches a process eat the receipts topic: its progress by the offsets that its group commits, its cost by what the system says.
type meter struct {
	brokers []string
	group   string
	process *Process
	total   int64
	metrics string // host:port of /metrics, empty when it has none
}

// mark is a point of a measurement.
type mark struct {
	at      time.Time
	offsets int64
	cpu     time.Duration
	allocs  float64
}

func (m *meter) measure(ctx context.Context, limit time.Duration) (Throughput, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(m.brokers...))
	if err != nil {
		return Throughput{}, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	var marks [3]mark
	for i, share := range []float64{0.05, 0.5, 1} {
		if marks[i], err = m.reach(ctx, adm, int64(share*float64(m.total))); err != nil {
			return Throughput{}, err
		}
	}
	t := between(marks[0], marks[2])
	t.CPUMicrosSecondHalf = between(marks[1], marks[2]).CPUMicros
	now, peak := memoryOf(m.process.PID())
	t.MemoryMB, t.PeakMB = float64(now)/(1<<20), float64(peak)/(1<<20)
	return t, nil
}

func between(a, b mark) Throughput {
	n, wall, cpu := float64(b.offsets-a.offsets), b.at.Sub(a.at).Seconds(), (b.cpu - a.cpu).Seconds()
	t := Throughput{Seconds: wall}
	if n > 0 && wall > 0 && cpu > 0 {
		t.PerSecond, t.CPUMicros, t.PerCore, t.Allocations = n/wall, cpu/n*1e6, n/cpu, (b.allocs-a.allocs)/n
	}
	return t
}

// reach waits until the group has committed so many offsets.
func (m *meter) reach(ctx context.Context, adm *kadm.Client, target int64) (mark, error) {
	last := int64(0)
	for {
		at, err := adm.FetchOffsets(ctx, m.group)
		if err == nil {
			last = 0
			at.Each(func(o kadm.OffsetResponse) {
				if o.Topic == schemas.TopicReceipts {
					last += max(o.At, 0)
				}
			})
		}
		if last >= target && last > 0 {
			now := mark{at: time.Now(), offsets: last, cpu: m.process.CPU()}
			now.allocs, err = m.allocations(ctx)
			return now, err
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return mark{}, fmt.Errorf("%d of %d receipts done: %w", last, target, err)
		}
	}
}

// allocations reads the process's own count.
func (m *meter) allocations(ctx context.Context) (float64, error) {
	if m.metrics == "" {
		return 0, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.metrics+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("metrics: %w", err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if ok && (name == "go_memstats_mallocs_total" || strings.HasPrefix(name, "go_memory_allocations_total")) {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.Join(errors.New("metrics: the process does not say how often it has allocated (go_memstats_mallocs_total)"), lines.Err())
}
