// Package explain puts into words what became of a receipt: what each campaign made of it and why, what was booked, what came back, in French
// and in English, for a marketer or a shop's help desk. It also compares a recorded decision with one that was derived again.
//
// It is pure: facts in, sentences and numbers out; no I/O, no clock. Where the facts come from is the business of explain/evidence.
// README.md shows five explanations as printed, and how to add a text.
package explain

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// Facts is everything that is known about one receipt. What is not known is nil or empty.
type Facts struct {
	ReceiptID retail.ReceiptID // as asked
	Now       retail.Instant   // to say "since" or "from"; 0: everything is told as to come
	Receipt   *Head            // as it was accepted; nil: no accepted receipt is known
	Copies    int              // further copies of it that are known to have arrived
	Processed int64            // next input offset of the receipt's partition, as far as the pipeline's commits are known; -1: not known
	Decision  *Decision        // nil: no campaign considered it, or it is not processed yet
	Campaigns []*rules.Campaign
	Entries   []ledger.Entry // caused by the receipt, and the activations and expiries of what it earned
	Returns   []Return       // that came later, in order of arrival
	Original  *Head          // of a return: the receipt it names; nil: not known
	Letters   []Letter       // refusals under this id
	Waiting   *Waiting       // found in Kafka, not yet processed
}

// Head is the head of an accepted receipt.
type Head struct {
	ID            retail.ReceiptID
	Type          retail.ReceiptType
	Event         string // what happened, of an EVENT: its kind
	Training      bool
	Shop          retail.ShopID
	Channel       retail.Channel
	Currency      string
	Account       retail.AccountID // empty: anonymous
	Total         money.Amount
	EndedAt       retail.Instant
	UTCOffsetMin  int32
	ReceivedAt    retail.Instant
	OriginalGiven bool
	Original      retail.ReceiptID // that a return or void names
	Partition     int32
	Offset        int64
}

// Decision is what the campaigns made of a receipt, as recorded.
type Decision struct {
	RulesetVersion int64
	Partition      int32
	Offset         int64
	Results        []rules.Result
}

// Return is a receipt that gave back products of the one that is explained, and what it changed.
type Return struct {
	Head
	Results []rules.Result
}

// Letter is a refusal.
type Letter struct {
	Stage, Path, Detail, Hint string
	Code                      retail.Code
	Shop                      retail.ShopID
	Topic                     string
	Partition                 int32
	Offset                    int64
	ReceivedAt                retail.Instant
}

// Waiting is where a receipt stands that is in Kafka and has not been processed.
type Waiting struct {
	Partition int32
	Offset    int64
	Since     retail.Instant
	Ahead     int64 // records before it that wait too
}
