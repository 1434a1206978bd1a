package pipeline

import (
	"time"

	"cagnotte/pipeline/retail"
)

// Observer is told what happens. Every callback is optional, is called from the processing goroutine, must not block and must not keep its
// argument. The OTel adapter lives in cmd.
type Observer struct {
	// OnCommit is invoked after a transaction that committed.
	OnCommit func(CommitEvent)
	// OnAbort is invoked after a transaction that was aborted for a rebalance.
	OnAbort func()
	// OnDeadLetter is invoked for each refused record, before its transaction ends.
	OnDeadLetter func(code retail.Code)
	// OnRestore is invoked when a partition is ready to run.
	OnRestore func(RestoreEvent)
	// OnRevoke is invoked when a partition was handed over.
	OnRevoke func(partition int32)
	// OnSessionLost is invoked when a session ended with an error and will be built again.
	OnSessionLost func(err error)
	// OnReceipt is invoked, after the commit, for each receipt that carried a traceparent header.
	OnReceipt func(ReceiptEvent)
	// OnFlush is invoked after a write-back to Pebble of one partition.
	OnFlush func(d time.Duration, bytes int)
}

// CommitEvent describes one committed transaction of one member.
type CommitEvent struct {
	Tasks      []TaskCommit // reused: do not keep
	Records    int
	Process    time.Duration // decode, rules, ledger
	Stage      time.Duration // encode and hand to the producer
	End        time.Duration // flush and EndTxn
	StateBytes int           // overlay that became dirty
}

// TaskCommit is one partition's part of a commit.
type TaskCommit struct {
	Partition                                                 int32
	Receipts, Duplicates, Rejected, Forwarded, Entries, Fired int64
	LagRecords                                                int64
	LagMs                                                     int64 // wall clock minus the append time of the last record; 0 when caught up
	NextOffset                                                int64
}

// RestoreEvent describes how a partition came to its state.
type RestoreEvent struct {
	Partition  int32
	Records    int64 // changelog records applied
	NextOffset int64 // input
	Took       time.Duration
	Fenced     string // transactional id of a dead owner that was fenced, or ""
}

// ReceiptEvent is one sampled receipt.
type ReceiptEvent struct {
	Traceparent string
	Receipt     retail.ReceiptID
	Partition   int32
	Offset      int64
	AppendedAt  retail.Instant
	CommittedAt time.Time
	Results     int
}

func (o *Observer) sessionLost(err error) {
	if o.OnSessionLost != nil {
		o.OnSessionLost(err)
	}
}

func (o *Observer) deadLetter(c retail.Code) {
	if o.OnDeadLetter != nil {
		o.OnDeadLetter(c)
	}
}

func (o *Observer) restored(e RestoreEvent) {
	if o.OnRestore != nil {
		o.OnRestore(e)
	}
}

func (o *Observer) revoked(partition int32) {
	if o.OnRevoke != nil {
		o.OnRevoke(partition)
	}
}
