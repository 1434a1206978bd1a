package rules

import (
	"fmt"
	"regexp"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
)

// Points gives Get for every whole For that was spent.
type Points struct{ Get, For money.Amount }

// Times gives again what other campaigns give on the receipt: Hundredths of a factor, 200 for twice in all, so that once more is added.
type Times struct {
	Hundredths int64
	Of         []string // ids of campaigns
}

// Draw gives Prize to whom a number says that anybody can compute: see drawn.
type Draw struct {
	Chance money.Rate
	Prize  money.Amount
	Seed   string
}

// Notice is an event that a campaign sends to another account.
type Notice struct {
	Kind string
	To   EmitTo
}

// Bounds of a multiplier.
const (
	minHundredths = 110
	maxHundredths = 10_000
	maxTimesOf    = 64
)

// rewardKinds are the keys of which a reward has exactly one.
func rewardKinds() []string {
	return []string{"percent", "fixed", "per_unit", "ladder", "points", "times", "draw", "event"}
}

// gifts reads what few rewards have: further kinds, where it goes, and what comes with it.
func (n node) gifts(k map[string]node, r *Reward) {
	r.Points = child(k, n, "points").points()
	r.Times = child(k, n, "times").times()
	r.Draw = child(k, n, "draw").draw()
	r.Notice = child(k, n, "event").notice()
	r.Wallet = child(k, n, "wallet").slug(32)
	r.Badge = child(k, n, "badge").slug(64)
	r.Donate = child(k, n, "donate").donate()
}

func (n node) points() Points {
	if !n.given() {
		return Points{}
	}
	k := n.keys("get", "for")
	return Points{child(k, n, "get").required("how many points").amount(), child(k, n, "for").amount()} // for is required in giftsFit, but for a goal
}

func (n node) times() Times {
	if !n.given() {
		return Times{}
	}
	k := n.keys("factor", "of")
	t := Times{Of: child(k, n, "of").required("ids of campaigns").texts(64)}
	for _, id := range t.Of {
		if !idPattern.MatchString(id) {
			child(k, n, "of").fail(CodeRange, "found "+quoteShort(id), "ids of campaigns: 1 to 64 of a-z, 0-9 and -", "")
		}
	}
	if len(t.Of) > maxTimesOf {
		child(k, n, "of").fail(CodeTooLarge, fmt.Sprintf("%d campaigns", len(t.Of)), fmt.Sprintf("at most %d", maxTimesOf), "")
	}
	factor := child(k, n, "factor").required("a factor from 1.1 to 100")
	if !factor.given() {
		return t
	}
	const want = "a factor from 1.1 to 100 with at most two decimals"
	s, ok := factor.scalar(want)
	if !ok {
		return t
	}
	v, ok := fixedPoint(s, 2)
	if !ok || v < minHundredths || v > maxHundredths {
		factor.fail(CodeRange, "found "+quoteShort(s), want, "2 gives twice in all")
		return t
	}
	t.Hundredths = v
	return t
}

func (n node) draw() Draw {
	if !n.given() {
		return Draw{}
	}
	k := n.keys("chance", "prize", "seed")
	return Draw{
		Chance: money.Rate(child(k, n, "chance").required("a chance in percent").percent(4, true)),
		Prize:  child(k, n, "prize").required("an amount").amount(),
		Seed:   child(k, n, "seed").required("a text that nobody can change once the draw has begun").text(200),
	}
}

func (n node) notice() Notice {
	if !n.given() {
		return Notice{}
	}
	k := n.keys("kind", "to")
	kind, to := child(k, n, "kind").required("the kind of the event"), child(k, n, "to").required("referrer or operator")
	return Notice{Kind: kind.eventKind(), To: EmitTo(to.choice("referrer", "operator") + 1)}
}

var slugPattern = regexp.MustCompile(`^[a-z0-9-]+$`)

// slug reads a short name of small letters, digits and hyphens.
func (n node) slug(most int) string {
	s := n.text(most)
	if s != "" && !slugPattern.MatchString(s) {
		n.fail(CodeRange, "found "+quoteShort(s), fmt.Sprintf("1 to %d of a-z, 0-9 and -", most), "")
		return ""
	}
	return s
}

func (n node) donate() ledger.Share {
	if !n.given() {
		return ledger.Share{}
	}
	k := n.keys("to", "share")
	return ledger.Share{Party: child(k, n, "to").required("a charity").slug(64), Rate: money.Rate(child(k, n, "share").required("a percentage").percent(4, true))}
}

// Valued reports whether the reward is worth something by itself.
func (rw *Reward) Valued() bool {
	return rw.Percent != 0 || rw.Fixed != 0 || rw.PerUnit != 0 || len(rw.Ladder) > 0 || rw.Points.Get != 0 || rw.Times.Hundredths != 0 || rw.Draw.Prize != 0
}

// giftsFit holds the further kinds against the rest of the document. n is the reward.
func (n node) giftsFit(c *Campaign) {
	if !n.given() {
		return
	}
	k := n.keysSeen()
	at := func(key string) node { return child(k, n, key) }
	conflict := func(bad bool, key, message, expected string) {
		if bad {
			at(key).fail(CodeConflict, message, expected, "")
		}
	}
	rw := &c.Reward
	worthless := !rw.Valued()
	kind := "event"
	if rw.Notice.Kind == "" {
		kind = "badge"
	}
	conflict(rw.Notice.Kind != "" && c.Event != "", "event", "an event that sends events could go on for ever", "a campaign about receipts")
	goal := c.Progress.given()
	conflict(goal && rw.Times.Hundredths != 0, "times", "a goal is not what other campaigns give on one receipt", "fixed, percent, points or ladder")
	conflict(goal && rw.Draw.Prize != 0, "draw", "a draw is about one receipt", "fixed, percent, points or ladder")
	at("points").pointsFit(rw, goal)
	conflict(goal && rw.Notice.Kind != "", "event", "an event is about one receipt", "no progress")
	conflict(known(c.ID, rw.Times.Of), "times", "the campaign multiplies itself", "ids of other campaigns")
	if !worthless {
		return
	}
	conflict(c.Stacking.Mode != Stack, kind, "a reward that is worth nothing cannot be compared with others", "no stacking, or the mode stack")
	conflict(rw.MaxPerReceipt != 0 || rw.MaxPerMember.Amount != 0, kind, "a reward that is worth nothing needs no cap", "no max_per_receipt and max_per_member")
	conflict(c.Budget != 0, kind, "a reward that is worth nothing needs no budget", "no budget")
	conflict(rw.Donate.Rate != 0, "donate", "nothing can be donated of a reward that is worth nothing", "another kind of reward")
}

// pointsFit holds points against the rest of the document: a goal gives them per completion, others for what is spent.
func (n node) pointsFit(rw *Reward, goal bool) {
	if !n.given() {
		return
	}
	spent := child(n.keysSeen(), n, "for")
	switch {
	case !goal:
		spent.required("an amount")
	case !spent.given():
		rw.Points.For = perCompletion
	case rw.Points.For != perCompletion:
		n.fail(CodeConflict, "a goal gives its points per completion", "get alone", "")
	}
}

// perCompletion stands where a goal's points say for what.
const perCompletion = money.Amount(100)

func (w *jsonWriter) gifts(r *Reward) {
	w.group("points", func() {
		w.amount("get", r.Points.Get)
		w.amount("for", r.Points.For)
	})
	w.group("times", func() {
		w.scaled("factor", r.Times.Hundredths, 2)
		w.list("of", r.Times.Of)
	})
	w.group("draw", func() {
		w.scaled("chance", int64(r.Draw.Chance), 4)
		w.amount("prize", r.Draw.Prize)
		w.str("seed", r.Draw.Seed)
	})
	w.group("event", func() {
		w.str("kind", r.Notice.Kind)
		if r.Notice.Kind != "" {
			w.str("to", r.Notice.To.String())
		}
	})
	w.str("wallet", r.Wallet)
	w.group("donate", func() {
		w.str("to", r.Donate.Party)
		w.scaled("share", int64(r.Donate.Rate), 4)
	})
	w.str("badge", r.Badge)
}

// String returns the word of the grammar.
func (t EmitTo) String() string { return pick(t, "nobody", "referrer", "operator") }
