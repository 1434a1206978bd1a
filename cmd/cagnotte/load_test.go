package main

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"cagnotte/loadtest/drive"
	"cagnotte/schemas/engine/enginetest"
)

// TestLoadAudit runs the product under a small load with every part killed, and has every cent audited.
func TestLoadAudit(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker, the pipeline, the sink and the engine as processes: not in short mode")
	}
	enginetest.Start(t, t.TempDir()) // skips where there is no engine
	t.Setenv(asCommand, "1")         // the parts are this very binary
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var out, errOut bytes.Buffer
	code := executeContext(ctx, []string{"load", "--receipts", "4000", "--members", "600", "--rate", "800", "--partitions", "3", "--audit", "--kill-pipeline", "2s",
		"--kill-engine", "3s", "--output", "json", "--log-level", "warn"}, nil, &out, &errOut)
	var r drive.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || code != ExitOK {
		t.Fatalf("exit %d, %v\n%s\n%s", code, err, out.String(), errOut.String())
	}
	if r.Kills.Pipeline == 0 || r.Kills.Engine == 0 {
		t.Errorf("killed %+v, want each part at least once", r.Kills)
	}
	for _, kind := range []string{"receipt records", "rewards given or taken back", "balances in the state stores", "clickhouse: ledger entries", "view receipts"} {
		if r.Audit.Checked[kind] < 100 {
			t.Errorf("%d compared of: %s", r.Audit.Checked[kind], kind)
		}
	}
	if r.Ledger == nil || r.Ledger.Count == 0 || r.ClickHouse.Count == 0 {
		t.Errorf("no latency was measured: %+v, %+v", r.Ledger, r.ClickHouse)
	}
}
