package rules

import (
	"cagnotte/pipeline/ledger"
	"slices"
	"strings"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Evaluator is the scratch memory and the caches of one task: it looks each shelf and shop up once a day and keeps the answer, so that a
// receipt costs a few map reads whatever the number of campaigns. Evaluation allocates nothing once the caches are warm. Not safe for
// concurrent use; one evaluator per goroutine.
type Evaluator struct {
	rs    *Ruleset
	days  [4]*dayMemo // of the event days in use; late receipts keep theirs
	tick  uint64
	shops map[shopKey]*shopMemo
	shopN int32

	touched []uint32 // by rule: the receipt that last touched it
	slot    []int32  // by rule: its candidate, when touched; -1 when it is not considered
	receipt uint32

	// The receipt at hand.
	now     retail.Instant
	day     *dayMemo
	shop    *shopMemo
	total   money.Amount // of the basket; on a return, of what is left
	lines   []lineWork
	weights []money.Amount
	whole   basis // all lines that count
	cands   []candidate
	order   []int32 // into cands, in evaluation order
	pairs   []pair
	sets    []setBasis // by exclusion set
	tags    []uint32   // by line
	winners []winner
	remains []remain
	olds    []before
	hash    []byte

	// Limits of the law on the receipt at hand, see legal.go.
	view        View            // of the account, during a sale
	sale        *retail.Receipt // nil on a return
	limited     uint64          // limits on any line that counts
	barred      bool            // some line may never be rewarded
	railed      bool            // some line has a limit
	railAll     bool            // some line has a limit for every reward
	tight       bool            // some limit may bind
	rooms       []lineRoom
	shares      maskShares
	activeRails activeRails
	claims      []claim
	own         []int32
	union       []int32
	runs        []run
	free        bool     // the candidate at hand has a line without a limit
	product     []uint64 // awards that are attached to products

	// Stateful campaigns, see count.go.
	saleAt retail.Instant // close of the sale whose counts are at hand
	part   part
	parts  []part // of a return, by group of awards
	future []ledger.Counter

	event   retail.Receipt // an event without lines, and the piece that it is
	piece   [1]retail.Line
	expert  celInput
	scratch Footprint
	late    Decision
}

// NewEvaluator returns an evaluator with cold caches. It adapts to any ruleset it is given.
func NewEvaluator() *Evaluator { return &Evaluator{shops: map[shopKey]*shopMemo{}} }

// Bounds of the caches. A full cache is emptied: the working set comes back within a few receipts.
const (
	maxShelves = 1 << 15
	maxShops   = 1 << 12
	maxBaskets = 1 << 14
)

// shelf is what a line says besides its product: the same few thousand combinations come all day.
type shelf struct{ category, brand, department string }

// shelfMemo is what is known about a shelf on one day.
type shelfMemo struct {
	key      shelf   // own copy of the texts
	rules    []int32 // rules whose products lie here, exclusions of category, brand and department applied
	excluded uint64  // bit i: index.excludes[i] holds the shelf (the first 64)
	railIn   uint64  // limits whose class names the shelf
	railOut  uint64  // limits whose exceptions name it
}

type shopKey struct {
	id              retail.ShopID
	banner, country string
}

// shopMemo is what is known about a shop under one ruleset.
type shopMemo struct {
	number int32
	in     []uint64 // bit i: index.shops[i] holds the shop
	rails  uint64   // limits that hold in its country
}

func (s *shopMemo) holds(i int32) bool { return i < 0 || s.in[i>>6]&(1<<(i&63)) != 0 }

// dayMemo is what is known about one UTC day under one ruleset.
type dayMemo struct {
	span    span
	used    uint64
	front   [frontSize]*shelfMemo
	shelves map[shelf]*shelfMemo
	baskets map[uint64][]int32 // by shop number and channel: rules that look at every line and accept both
	at      []int32            // by rule: 1 + its place in clocks, 0 when not yet computed
	clocks  []ruleClock
}

// use empties the caches when the rules have changed; another number for the same rules changes nothing.
func (e *Evaluator) use(rs *Ruleset) {
	if e.rs == rs {
		return
	}
	same := e.rs != nil && len(e.rs.rules) == len(rs.rules) && (len(rs.rules) == 0 || &e.rs.rules[0] == &rs.rules[0])
	e.rs = rs
	if same {
		return
	}
	e.days = [4]*dayMemo{}
	clear(e.shops)
	e.activeRails = activeRails{}
	e.touched, e.slot = make([]uint32, len(rs.rules)), make([]int32, len(rs.rules))
	e.sets = make([]setBasis, len(rs.index.excludes))
	e.receipt = 0
}

// dayOf returns the memo of the UTC day that holds t; it takes the place of the one unused for longest.
func (e *Evaluator) dayOf(t retail.Instant) *dayMemo {
	e.tick++
	oldest := 0
	for i, d := range e.days {
		if d == nil {
			oldest = i
			break
		}
		if d.span.holds(t) {
			d.used = e.tick
			return d
		}
		if d.used < e.days[oldest].used {
			oldest = i
		}
	}
	from := floorDay(t)
	d := &dayMemo{span: span{from, from + dayMs}, used: e.tick, shelves: map[shelf]*shelfMemo{},
		baskets: map[uint64][]int32{}, at: make([]int32, len(e.rs.rules))}
	e.days[oldest] = d
	return d
}

func (e *Evaluator) shopOf(s *retail.Shop) *shopMemo {
	if m, ok := e.shops[shopKey{s.ID, s.Banner, s.Country}]; ok {
		return m
	}
	if len(e.shops) >= maxShops {
		clear(e.shops)
	}
	m := &shopMemo{number: e.shopN, in: make([]uint64, (len(e.rs.index.shops)+63)/64)}
	e.shopN++
	m.rails = e.rs.rails.country(s.Country)
	for i := range e.rs.index.shops {
		if e.rs.index.shops[i].holds(s) {
			m.in[i>>6] |= 1 << (i & 63)
		}
	}
	e.shops[shopKey{retail.ShopID(strings.Clone(string(s.ID))), strings.Clone(s.Banner), strings.Clone(s.Country)}] = m
	return m
}

// shelfOf finds the memo of the line's shelf: at its place in front, where the shelves of the hour are, else in the map.
func (e *Evaluator) shelfOf(l *retail.Line) *shelfMemo {
	place := frontPlace(l.Category, l.Brand)
	if m := e.day.front[place]; m != nil && m.key.category == l.Category && m.key.brand == l.Brand && m.key.department == l.Department {
		return m
	}
	m := e.mapShelf(l)
	e.day.front[place] = m
	return m
}

const frontSize = 512

// frontPlace mixes a few bytes: a wrong guess only costs the look into the map.
func frontPlace(category, brand string) uint32 {
	h := uint32(len(category))*31 + uint32(len(brand))
	if n := len(category); n >= 4 {
		h = h*0x9E3779B1 + (uint32(category[n-1]) | uint32(category[n-2])<<8 | uint32(category[n-4])<<16)
	}
	if len(brand) >= 2 {
		h = h*0x9E3779B1 + (uint32(brand[0]) | uint32(brand[1])<<8 | uint32(brand[len(brand)-1])<<16)
	}
	return (h * 0x85EBCA6B) >> 23 // the upper 9 bits
}

func (e *Evaluator) mapShelf(l *retail.Line) *shelfMemo {
	if m, ok := e.day.shelves[shelf{l.Category, l.Brand, l.Department}]; ok {
		return m
	}
	if len(e.day.shelves) >= maxShelves {
		clear(e.day.shelves)
	}
	m := e.lookUpShelf(l)
	m.key = shelf{strings.Clone(l.Category), strings.Clone(l.Brand), strings.Clone(l.Department)}
	e.day.shelves[m.key] = m
	return m
}

// lookUpShelf asks the index. The line's product is not looked at: the answer holds for every product of the shelf.
func (e *Evaluator) lookUpShelf(l *retail.Line) *shelfMemo {
	m, x := &shelfMemo{}, &e.rs.index
	m.railIn, m.railOut = e.rs.rails.shelf(l)
	for i := range min(len(x.excludes), 64) {
		if x.excludes[i].shelf(l) {
			m.excluded |= 1 << i
		}
	}
	hit := func(list []int32) {
		for _, i := range list {
			r := &e.rs.rules[i]
			if e.live(r) && r.include.includes(l) && (r.exclude < 0 || !x.excludes[r.exclude].shelf(l)) {
				m.rules = append(m.rules, i)
			}
		}
	}
	if l.Brand != "" {
		hit(x.brand[l.Brand])
	}
	for p := l.Category; p != ""; p = parentPath(p) {
		hit(x.category[p])
	}
	if l.Department != "" {
		hit(x.department[l.Department])
	}
	slices.Sort(m.rules)
	m.rules = slices.Compact(m.rules)
	return m
}

// live reports whether a rule may be considered at some instant of the day.
func (e *Evaluator) live(r *rule) bool {
	return r.considered.from < e.day.span.to && e.day.span.from < r.considered.to
}

// basketRules returns the rules without products that accept the shop and the channel.
func (e *Evaluator) basketRules(ch retail.Channel) []int32 {
	if len(e.rs.index.basket) == 0 {
		return nil
	}
	key := uint64(e.shop.number)<<8 | uint64(ch)
	if list, ok := e.day.baskets[key]; ok {
		return list
	}
	if len(e.day.baskets) >= maxBaskets {
		clear(e.day.baskets)
	}
	var list []int32
	for _, i := range e.rs.index.basket {
		if r := &e.rs.rules[i]; e.live(r) && e.shop.holds(r.shops) && r.allows(ch) {
			list = append(list, i)
		}
	}
	e.day.baskets[key] = list
	return list
}

func (r *rule) allows(ch retail.Channel) bool { return r.channels == 0 || r.channels&(1<<(ch&15)) != 0 }
