package ledger

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

var update = flag.Bool("update", false, "write the postings of testdata anew")

// TestGolden runs the scripts of testdata/*.txt: above the line what happens to one account, below it the book-keeping that follows,
// to be read by somebody who keeps accounts. A line is
//
//	earn|reverse CAMPAIGN AMOUNT at WHEN [active WHEN] [expires WHEN] [before AMOUNT] [funding PARTY PERCENT ...]
//	timers WHEN
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	script, want, _ := strings.Cut(string(b), "\n----\n")
	var a Account
	var out strings.Builder
	for _, line := range strings.Split(script, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var j Journal
		if err := runLine(&a, &j, strings.Fields(line)); err != nil {
			t.Fatalf("%s: %s: %v", file, line, err)
		}
		checkSums(t, j.Entries)
		fmt.Fprintf(&out, "> %s\n", line)
		for i := range j.Entries {
			printEntry(&out, &j.Entries[i])
		}
		if strings.HasPrefix(line, "reverse") {
			printLots(&out, &a)
		}
	}
	fmt.Fprintf(&out, "= pending %s, available %s, earned %s\n", a.Pending, a.Available, a.LifetimeEarned)
	printLots(&out, &a)
	if *update {
		if err := os.WriteFile(file, []byte(script+"\n----\n"+out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func runLine(a *Account, j *Journal, words []string) error {
	if words[0] == "timers" {
		now, err := when(words[1])
		if err == nil {
			a.FireDue(j, "member", now, known)
		}
		return err
	}
	g := Grant{Campaign: words[1], Version: 1, Receipt: "receipt"}
	for key, name := range known {
		if name == words[1] {
			g.CampaignKey = key
		}
	}
	if err := readGrant(&g, words); err != nil {
		return err
	}
	switch words[0] {
	case "earn":
		a.Earn(j, "member", &g)
	case "reverse":
		a.Reverse(j, "member", &g)
	default:
		return fmt.Errorf("what is %q", words[0])
	}
	return nil
}

func readGrant(g *Grant, words []string) (err error) {
	if g.Amount, err = money.Parse(words[2]); err != nil {
		return err
	}
	for i := 3; i+1 < len(words) && err == nil; i += 2 {
		switch words[i] {
		case "at":
			g.At, err = when(words[i+1])
		case "active":
			g.ActiveFrom, err = when(words[i+1])
		case "expires":
			g.ExpiresAt, err = when(words[i+1])
		case "before":
			g.GrantedBefore, err = money.Parse(words[i+1])
		case "funding":
			return readFunding(g, words[i+1:])
		default:
			err = fmt.Errorf("what is %q", words[i])
		}
	}
	return err
}

func readFunding(g *Grant, words []string) error {
	for i := 0; i+1 < len(words); i += 2 {
		percent, err := strconv.Atoi(words[i+1])
		if err != nil {
			return err
		}
		g.Funding = append(g.Funding, Share{words[i], money.Rate(percent) * money.One / 100})
	}
	return nil
}

const layout = "2006-01-02T15:04"

func when(s string) (retail.Instant, error) {
	t, err := time.Parse(layout, s)
	return retail.Instant(t.UnixMilli()), err
}

func printEntry(w *strings.Builder, e *Entry) {
	at := time.UnixMilli(int64(e.At)).UTC().Format("2006-01-02 15:04")
	line := fmt.Sprintf("  %d. %s  %-8s %-8s %8s   pending %6s  available %6s  %s", e.Seq, at, e.Kind, e.Campaign, e.Amount, e.PendingAfter, e.AvailableAfter, e.Reason)
	fmt.Fprintln(w, strings.TrimRight(line, " "))
	for _, p := range e.Postings {
		fmt.Fprintf(w, "       %-16s  %-18s %8s\n", p.Book, p.Party, p.Amount)
	}
}

func printLots(w *strings.Builder, a *Account) {
	for i := range a.Lots {
		l := &a.Lots[i]
		state, expires := "active", "never lapses"
		if !l.Active {
			state = "from " + time.UnixMilli(int64(l.ActiveFrom)).UTC().Format("2006-01-02 15:04")
		}
		if l.ExpiresAt != 0 {
			expires = "lapses " + time.UnixMilli(int64(l.ExpiresAt)).UTC().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "  lot %-8s %8s  %s, %s\n", known[l.Campaign], l.Remaining, state, expires)
	}
}
