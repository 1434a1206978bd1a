package rules

import (
	"fmt"
	"strconv"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Test is an example that a document carries: what happens to one member, step by step, and what the campaign should make of it.
type Test struct {
	Name   string
	With   []string    // ids of other documents that take part
	Member *TestMember // nil: see memberOf
	Steps  []TestStep
	Line   int // of the document

	stepped bool // written with steps
}

// TestMember is who the steps are about, and what is known of him before the first one. Facts without a date of their own have always held.
type TestMember struct {
	Account      retail.AccountID // empty: one that the runner finds on the wanted side of the experiment
	Enrolled     retail.Instant   // 0: not known
	FirstReceipt retail.Instant   // of a sale before the first step; 0: none
	Birthday     int16            // month x 100 + day; 0: not known
	Referrer     retail.AccountID
	Segments     []string
	Consent      []string
	Clubs        []string
	Tier         string
	OptIn        bool // has activated the campaign
}

// TestStep is one thing that happens. Its receipt is whole: a return or void names the receipt or event it is about.
type TestStep struct {
	Receipt retail.Receipt
	Of      int     // number of the step that a RETURN or VOID is about, from 1; else 0
	Expect  *Expect // nil: nothing is demanded
	Line    int     // of the document
}

// Expect is what a step demands. What is nil, empty or unknown is not compared.
type Expect struct {
	None    bool // the campaign is not concerned
	Outcome Outcome
	Amount  *money.Amount
	Desired *money.Amount
	Tier    string // of a document with tiers: the member's level after the step

	Sends string // kind of the event that goes to another account
	Badge string // that is held from this step on

	Refused string // why an event that asks something of the money is refused, such as insufficient; "no": it is not

	Wallet    string        // of the amounts below; empty: the programme's currency
	Available *money.Amount // what the member may spend after the step
	Pending   *money.Amount // what waits to become spendable
	Held      *money.Amount // what tills have reserved
	Lapsed    *money.Amount // what has lapsed since the step before, booked as breakage
}

// Bounds of what a document may ask a test run to do.
const (
	maxTests     = 200
	maxTestSteps = 400 // of one test
)

// testID and testGapMs name and date what a test leaves open: each step takes place an hour after the one before.
const (
	testID    = "test"
	testGapMs = hourMs
)

// tests reads the examples of a document. A first receipt without a time takes place at the start of the window.
func (n node) tests(c *Campaign) []Test {
	var out []Test
	list := n.list()
	if len(list) > maxTests {
		n.fail(CodeTooLarge, fmt.Sprintf("%d tests", len(list)), fmt.Sprintf("at most %d", maxTests), "")
		return nil
	}
	for i, v := range list {
		out = append(out, v.test(c, i+1))
	}
	return out
}

func (n node) test(c *Campaign, number int) Test {
	k := n.keys("name", "with", "member", "receipt", "event", "expect", "steps")
	t := Test{Name: child(k, n, "name").text(200), Line: n.line()}
	if t.Name == "" {
		t.Name = "test " + strconv.Itoa(number)
	}
	t.With = child(k, n, "with").company(c)
	t.Member = child(k, n, "member").testMember(c)
	if steps := child(k, n, "steps"); steps.given() {
		for _, key := range []string{"receipt", "event", "expect"} {
			if v := child(k, n, key); v.given() {
				v.fail(CodeConflict, key+" and steps are both given", "one of receipt, event and steps", "move it into the steps")
			}
		}
		t.Steps, t.stepped = steps.testSteps(c), true
		return t
	}
	s := TestStep{Line: n.line()}
	receipt, event := child(k, n, "receipt"), child(k, n, "event")
	switch {
	case event.given() && receipt.given():
		event.fail(CodeConflict, "receipt and event are both given", "one of receipt, event and steps", "write a step for each")
	case event.given():
		event.testEvent(c, &s.Receipt, testID, c.Window.From)
	default:
		receipt.required("a receipt, an event, or steps").testReceipt(c, &s.Receipt, testID, c.Window.From)
	}
	s.Expect = child(k, n, "expect").required("an outcome").expect()
	t.Steps = []TestStep{s}
	return t
}

// company reads the ids of other documents.
func (n node) company(c *Campaign) []string {
	for _, v := range n.list() {
		if v.text(64) == c.ID && c.ID != "" {
			v.fail(CodeConflict, "the example names its own document", "ids of other documents", "it takes part anyway")
		}
	}
	return n.texts(64)
}

func (n node) testSteps(c *Campaign) []TestStep {
	var out []TestStep
	list := n.list()
	if len(list) > maxTestSteps {
		n.fail(CodeTooLarge, fmt.Sprintf("%d steps", len(list)), fmt.Sprintf("at most %d", maxTestSteps), "")
		return nil
	}
	at := c.Window.From
	for _, v := range list {
		s := v.testStep(c, out, at)
		at = s.Receipt.EndedAt + testGapMs
		out = append(out, s)
	}
	return out
}

// testStep reads one step; earlier are those before it, which a return may be about.
func (n node) testStep(c *Campaign, earlier []TestStep, at retail.Instant) TestStep {
	k := n.keys("receipt", "event", "return", "void", "expect")
	s := TestStep{Line: n.line(), Expect: child(k, n, "expect").expect()}
	id, kinds := stepID(len(earlier)), 0
	for _, key := range []string{"receipt", "event", "return", "void"} {
		v := child(k, n, key)
		if !v.given() {
			continue
		}
		if kinds++; kinds > 1 {
			v.fail(CodeConflict, "two things happen in one step", "one of receipt, event, return, void", "write a step for each")
			continue
		}
		switch key {
		case "receipt":
			v.testReceipt(c, &s.Receipt, id, at)
			v.ofMember(&s.Receipt, earlier)
		case "event":
			v.testEvent(c, &s.Receipt, id, at)
			v.ofMember(&s.Receipt, earlier)
		default:
			s.Of = v.testReturn(earlier, &s.Receipt, id, at, key == "void")
		}
	}
	if kinds == 0 {
		n.fail(CodeMissing, "nothing happens in this step", "one of receipt, event, return, void", "")
	}
	return s
}

// ofMember holds a step's receipt against the test: it is the member's, and has an id of its own.
func (n node) ofMember(r *retail.Receipt, earlier []TestStep) {
	if r.Loyalty.AccountID != "" {
		n.fail(CodeConflict, "a step names an account of its own", "steps about one member", "give the account under member")
	}
	for i := range earlier {
		if earlier[i].Receipt.ID == r.ID {
			n.fail(CodeDuplicate, fmt.Sprintf("the id %s is that of step %d", quoteShort(string(r.ID)), i+1), "an id of its own", "")
			return
		}
	}
}

func (n node) expect() *Expect {
	if !n.given() {
		return nil
	}
	if !n.isGroup() {
		if n.choice("none") == 0 {
			return &Expect{None: true}
		}
		return nil
	}
	k := n.keys("outcome", "amount", "desired", "tier", "sends", "badge", "refused", "wallet", "available", "pending", "held", "lapsed")
	at := func(key string) node { return child(k, n, key) }
	e := &Expect{
		Amount: at("amount").signedAmount(), Desired: at("desired").signedAmount(), Tier: at("tier").text(64),
		Sends: at("sends").text(64), Badge: at("badge").text(64), Refused: at("refused").text(64),
		Wallet: at("wallet").text(32), Available: at("available").signedAmount(), Pending: at("pending").signedAmount(), Held: at("held").signedAmount(),
		Lapsed: at("lapsed").signedAmount(),
	}
	outcome := at("outcome")
	if e.needsOutcome() {
		outcome.required("an outcome such as AWARDED")
	}
	if i := outcome.choice(outcomeNames()...); i >= 0 {
		e.Outcome, _ = ParseOutcome(outcomeNames()[i])
	}
	if e.Wallet != "" && !e.balances() {
		at("wallet").fail(CodeConflict, "nothing is said about the wallet", "available, pending, held or lapsed", "")
	}
	return e
}

// needsOutcome reports whether nothing else is demanded.
func (e *Expect) needsOutcome() bool {
	return e.Tier == "" && e.Sends == "" && e.Badge == "" && e.Refused == "" && !e.balances()
}

// balances reports whether something is demanded of the wallet.
func (e *Expect) balances() bool {
	return e.Available != nil || e.Pending != nil || e.Held != nil || e.Lapsed != nil
}

// outcomeNames lists every outcome but the unknown one.
func outcomeNames() []string {
	var names []string
	for o := NoAccount; o.String() != UnknownOutcome.String(); o++ {
		names = append(names, o.String())
	}
	return names
}
