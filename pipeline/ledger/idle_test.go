package ledger

import (
	"fmt"
	"slices"
	"testing"

	"cagnotte/pipeline/retail"
)

// told is what timers did, as "expire -1.00 at 20h idle".
func told(j *Journal) (out []string) {
	for _, e := range j.Entries {
		if e.Kind == Activate || e.Kind == Expire {
			out = append(out, fmt.Sprintf("%s %v at %dh %s", e.Kind, e.Amount, e.At/hour, e.Reason))
		}
	}
	for _, n := range j.Notices {
		out = append(out, fmt.Sprintf("remind %v at %dh of %dh", n.Amount, n.At/hour, n.ExpiresAt/hour))
	}
	return out
}

// D24, sliding: a purse lapses so long after the last activity, each lot at its own end if that is earlier.
func TestLapseForWantOfActivity(t *testing.T) {
	terms := &Terms{IdleMs: int64(20 * hour), RemindMs: int64(5 * hour)}
	earn := func(a *Account, at, active, end retail.Instant) {
		var j Journal
		a.Earn(&j, "m", &Grant{Campaign: "coffee", CampaignKey: uint64(end + 1), Version: 1, Amount: 100, At: at * hour, ActiveFrom: active * hour, ExpiresAt: end * hour, Terms: terms})
	}
	for name, c := range map[string]struct {
		live func(*Account)
		want []string
	}{
		"nothing more is bought": {func(a *Account) { earn(a, 1, 0, 0) }, []string{"expire -1.00 at 21h idle", "remind 1.00 at 16h of 21h"}},
		"a sale puts it off, a late receipt does not bring it forward": {func(a *Account) { earn(a, 1, 0, 0); a.Bought(15 * hour); a.Bought(2 * hour) },
			[]string{"expire -1.00 at 35h idle", "remind 1.00 at 30h of 35h"}},
		"its own end comes first": {func(a *Account) { earn(a, 1, 0, 10); earn(a, 1, 0, 90) },
			[]string{"expire -1.00 at 10h ", "expire -1.00 at 21h idle", "remind 1.00 at 5h of 10h", "remind 1.00 at 16h of 21h"}},
		"pending for longer": {func(a *Account) { earn(a, 1, 50, 0) }, []string{"activate 1.00 at 50h ", "expire -1.00 at 50h idle", "remind 1.00 at 45h of 50h"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, step := range []retail.Instant{1, 7, 500} { // early, late, once
				var a Account
				c.live(&a)
				var got, notices []string
				for now := retail.Instant(0); now <= 500*hour; now += step * hour {
					var j Journal
					a.FireDue(&j, "m", now, known)
					for _, s := range told(&j) {
						if s[0] == 'r' {
							notices = append(notices, s)
						} else {
							got = append(got, s)
						}
					}
					if err := a.Check(); err != nil {
						t.Fatal(err)
					}
				}
				if got = append(got, notices...); !slices.Equal(got, c.want) {
					t.Errorf("looked at every %d h: %q, want %q", step, got, c.want)
				}
			}
		})
	}
}
