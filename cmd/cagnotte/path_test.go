package main

import (
	"strings"
	"testing"
	"time"
)

// Goal: the whole path on a real Apache Kafka, and on the broker of dev, with kills, to the cent. Method: `cagnotte load --audit` as a process; every part of
// the product is a process of its own below it. The auditor shares no code with the product and ends with 1 on any difference.
func TestPathOnRealKafka(t *testing.T) {
	loadAndAudit(t, "--kafka", "real", "--receipts", "20000", "--kill-pipeline", "5s")
}

// The stream has every mechanic of the campaign language: members, events, goals, tiers, wallets, spending, beside campaigns that judge a receipt. The
// sink is killed less often than its session lasts: the fake broker may keep a member for ever that dies in the place of one that is dead already.
func TestPathWithKills(t *testing.T) {
	loadAndAudit(t, "--mechanics", "all", "--receipts", "12000", "--members", "1500", "--instances", "2", "--kill-pipeline", "4s", "--kill-sink", "20s", "--kill-engine", "9s")
}

func loadAndAudit(t *testing.T, args ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts brokers and databases, which -short leaves out")
	}
	p := startCommand(t, append([]string{"load", "--audit", "--log-level", "warn", "--dir", t.TempDir()}, args...)...)
	select {
	case <-p.done:
	case <-time.After(10 * time.Minute):
		t.Fatalf("not done after ten minutes: %s", p.output())
	}
	out := p.output()
	if code := p.cmd.ProcessState.ExitCode(); code != ExitOK {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if !strings.Contains(out, `"differences":{}`) {
		t.Fatalf("the audit does not say that nothing differs: %s", out)
	}
	t.Log(strings.TrimSpace(lineWith(out, `"differences"`)))
}
