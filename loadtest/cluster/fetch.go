package cluster

import (
	"math"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// liftFetchLimit returns a control function that takes the limit of a whole fetch response away; the limit of each partition stays. It never
// handles the request itself.
//
// When the fake broker reaches that limit in the middle of a partition, it answers with the partition's batches and without its list of aborted
// transactions: a read-committed consumer then takes what was aborted for committed. Seen as one row in ClickHouse at the offset of an aborted copy,
// among a million receipts under kills.
func liftFetchLimit(kc *kfake.Cluster) func(kmsg.Request) (kmsg.Response, error, bool) {
	return func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		kc.KeepControl()
		if req, ok := kreq.(*kmsg.FetchRequest); ok {
			req.MaxBytes = math.MaxInt32
		}
		return nil, nil, false
	}
}
