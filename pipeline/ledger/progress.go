package ledger

import (
	"cmp"
	"slices"

	"cagnotte/pipeline/money"
)

// maxPeriods is how many calendar periods of one campaign's member cap are remembered, so that a late receipt finds its own period again: 64 days in
// which a daily cap was used, over a year of weeks. Two were too few: receipts that came three days late were granted again.
const maxPeriods = 64

// CapUsed returns how much of the campaign's member cap is used in the period: 0 for one in which nothing was granted. A period that may have been
// forgotten, older than all of a full list, counts as used up: rather too little than twice.
func (a *Account) CapUsed(campaign uint64, period int32) money.Amount {
	i, found := a.findProgress(campaign, period)
	if found {
		return a.Progress[i].Used
	}
	last := i + maxPeriods - 1
	if last < len(a.Progress) && a.Progress[i].Campaign == campaign && a.Progress[last].Campaign == campaign {
		return money.Max
	}
	return 0
}

// AddUsed moves the use of a cap by delta: positive when a reward is granted, negative when it is taken back. Use never goes below zero.
// Only the newest maxPeriods periods of a campaign are kept; a change of an older one is dropped.
func (a *Account) AddUsed(campaign uint64, period int32, delta money.Amount) {
	i, found := a.findProgress(campaign, period)
	switch {
	case found && a.Progress[i].Used+delta <= 0:
		a.Progress = slices.Delete(a.Progress, i, i+1)
	case found:
		a.Progress[i].Used += delta
	case delta > 0:
		a.Progress = slices.Insert(a.Progress, i, Progress{campaign, period, delta})
		a.dropOldPeriods(campaign)
	}
}

// dropOldPeriods removes the oldest period of a campaign that has one too many.
func (a *Account) dropOldPeriods(campaign uint64) {
	first := slices.IndexFunc(a.Progress, func(p Progress) bool { return p.Campaign == campaign })
	last := first
	for last < len(a.Progress) && a.Progress[last].Campaign == campaign {
		last++
	}
	if last-first > maxPeriods {
		a.Progress = slices.Delete(a.Progress, first, last-maxPeriods)
	}
}

func (a *Account) findProgress(campaign uint64, period int32) (int, bool) {
	return slices.BinarySearchFunc(a.Progress, Progress{Campaign: campaign, Period: period}, compareProgress)
}

func compareProgress(a, b Progress) int {
	if c := cmp.Compare(a.Campaign, b.Campaign); c != 0 {
		return c
	}
	return cmp.Compare(a.Period, b.Period)
}
