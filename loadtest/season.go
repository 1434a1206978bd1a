package loadtest

import (
	"fmt"
	"time"

	"cagnotte/pipeline/retail"
)

// season is how busy the tills are: weight by local hour, times weight by weekday. The mean over a week is one, so that a day keeps its
// number of receipts on average.
type season struct {
	zone   *time.Location
	weight [7][24]float64

	hour   int64 // the hour since 1970 that is cached
	busy   float64
	offset int32 // minutes east of UTC in that hour
}

func newSeason(zone *time.Location) *season {
	hours := [24]float64{0.02, 0.01, 0.01, 0.01, 0.02, 0.05, 0.2, 0.6, 1.3, 2.0, 2.4, 2.5, 2.0, 1.5, 1.6, 1.8, 2.2, 2.8, 2.9, 2.2, 1.0, 0.3, 0.1, 0.05}
	days := [7]float64{0.55, 0.9, 0.9, 0.95, 1.0, 1.25, 1.55} // from Sunday
	s := &season{zone: zone, hour: -1}
	sum := 0.0
	for d := range days {
		for h := range hours {
			s.weight[d][h] = days[d] * hours[h]
			sum += s.weight[d][h]
		}
	}
	for d := range days {
		for h := range hours {
			s.weight[d][h] *= 7 * 24 / sum
		}
	}
	return s
}

const hourMs = 3_600_000

// seasonZone is where the shops of the stream are.
const seasonZone = "Europe/Paris"

// at returns how busy the tills are at the instant, and the zone's offset. Offsets change on full hours of UTC, so an hour is cached.
func (s *season) at(t retail.Instant) (busy float64, offsetMin int32) {
	if h := int64(t) / hourMs; h != s.hour {
		local := time.UnixMilli(int64(t)).In(s.zone)
		_, sec := local.Zone()
		s.hour, s.busy, s.offset = h, s.weight[local.Weekday()][local.Hour()], int32(sec/60)
	}
	return s.busy, s.offset
}

// hours is how many average hours the time from one instant to the other holds: a Sunday's hours count about half.
func (s *season) hours(from, to retail.Instant) float64 {
	sum := 0.0
	for t := from; t < to; {
		next := min(to, (t/hourMs+1)*hourMs)
		busy, _ := s.at(t)
		sum += busy * float64(next-t) / hourMs
		t = next
	}
	return sum
}

// PerDay is the density at which about count receipts fit between two instants, whatever weekdays and hours lie between them: what Options.PerDay
// wants. The clock that receipts are refused by is not the stream's, so a stream that overruns its span closes in the future.
func PerDay(count int64, from, to retail.Instant) (float64, error) {
	zone, err := time.LoadLocation(seasonZone)
	if err != nil {
		return 0, fmt.Errorf("generator: %w", err)
	}
	hours := newSeason(zone).hours(from, to)
	if hours <= 0 || count <= 0 {
		return 0, fmt.Errorf("generator: %d receipts between %d and %d have no density", count, from, to)
	}
	return float64(count) * 24 / hours, nil
}
