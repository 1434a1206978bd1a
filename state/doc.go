// Package state keeps the accounts of each input partition: hot ones as decoded objects, all of them in a Pebble database per partition.
//
// It is a write-back copy of the changelog. A commit moves the accounts that a transaction touched from the overlay to "dirty"; a flush,
// every second or so, writes the dirty ones as one atomic Pebble batch together with the changelog offset they cover. What a crash loses
// between two flushes is the changelog's tail, which Apply reads again. Nothing here decides whether a transaction committed.
//
//	             Touch              Commit               Flush
//	clean slot ---------> overlay ----------> dirty -------------> clean, and in Pebble
//	    ^                    |  Abort: decoded again from the last
//	    +--------------------+  committed encoding
//
// Keyspace. Every key but the format's starts with the key version (1) and a kind; byte order is the order of the parts.
//
//	key                                  value                                         lives
//	00 "format"                          format version, decimal                       for ever
//	01 'M'                               Meta: version, offset, hash, COMMIT record    replaced by each flush
//	01 'A' account                       ledger.Account.AppendBinary                   for ever
//	01 'N' key                           a note: a value of the partition; opaque      for ever
//	01 'F' escaped account 00 01 receipt what a return of the receipt needs; opaque    for ever
//	01 'T' due (8 bytes, ordered) account  empty                                       while it is the account's next due instant
//
// A Partition belongs to one goroutine. A Store may be used by many.
package state
