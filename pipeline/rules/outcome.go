package rules

// String returns the wire symbol of the arm.
func (a Arm) String() string { return pick(a, "NONE", "TREATMENT", "HOLDOUT") }

// String returns the wire symbol of the outcome.
func (o Outcome) String() string {
	return pick(o, "UNKNOWN", "NO_ACCOUNT", "OUT_OF_WINDOW", "SHOP_EXCLUDED", "BELOW_THRESHOLD", "NOTHING_ELIGIBLE", "HELD_OUT",
		"OUTRANKED", "CAP_REACHED", "CAPPED", "AWARDED", "REVERSED", "NO_ORIGINAL", "NOT_TARGETED", "IN_PROGRESS")
}

// ParseOutcome finds an outcome by its wire symbol.
func ParseOutcome(s string) (Outcome, bool) {
	for o := UnknownOutcome; o <= InProgress; o++ {
		if o.String() == s {
			return o, true
		}
	}
	return UnknownOutcome, false
}

// String returns the word of the grammar.
func (m StackMode) String() string { return pick(m, "stack", "best_for_member", "first") }

// String returns the word of the grammar.
func (p CapPeriod) String() string { return pick(p, "campaign", "day", "week", "month", "year") }

// pick returns the name of an enum value; one outside the enum gets the first.
func pick[T ~uint8](v T, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return names[0]
}
