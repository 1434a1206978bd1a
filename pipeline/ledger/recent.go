package ledger

import "slices"

// Knows says what the account itself knows of a receipt, by the xxhash64 of its id. known: it is among the recent ones. unsure: it is not,
// but ids have been forgotten, so that only a look at the stored footprint can tell.
func (a *Account) Knows(receipt uint64) (known, unsure bool) {
	if slices.Contains(a.Recent, receipt) {
		return true, false
	}
	return false, a.RecentFull
}

// Remember adds a receipt that is not known yet; beyond MaxRecent the oldest is forgotten.
func (a *Account) Remember(receipt uint64) {
	if len(a.Recent) < MaxRecent {
		a.Recent = append(a.Recent, receipt)
		return
	}
	a.RecentFull = true
	kept := copy(a.Recent, a.Recent[len(a.Recent)-MaxRecent+1:])
	a.Recent = append(a.Recent[:kept], receipt)
}
