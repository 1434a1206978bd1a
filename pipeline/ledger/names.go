package ledger

// String returns the kind's name, for logs and tests.
func (k Kind) String() string {
	return name(int(k), "unknown", "earn", "activate", "reverse", "expire", "redeem", "adjust", "hold", "commit", "cancel", "refund", "merge")
}

// String returns the book's name, for logs and tests.
func (b Book) String() string {
	return name(int(b), "unknown", "member pending", "member available", "funding", "write-off", "breakage", "settlement",
		"held", "charity", "transfer")
}

func name(i int, names ...string) string {
	if i >= len(names) {
		i = 0
	}
	return names[i]
}
