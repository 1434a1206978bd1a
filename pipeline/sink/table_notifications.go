package sink

import (
	"encoding/json"
	"fmt"

	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// notifications builds cagnotte_raw.notifications.
type notifications struct {
	*table
	id, account, wallet, value, target, reference *proto.ColStr
	kind, campaign, textKey                       *words
	at, expiresAt                                 *instants
	amount                                        *amounts
	from                                          lineage
}

func newNotifications(*Options, partitioner) builder {
	b := &notifications{table: newTable("notifications")}
	c := b.columns()
	b.id, b.account, b.at, b.kind = c.text("id"), c.text("account_id"), c.instant("at"), c.word("type")
	b.campaign, b.wallet, b.amount = c.word("campaign"), c.text("wallet"), c.amount("amount_minor")
	b.value, b.target, b.reference = c.text("value"), c.text("target"), c.text("reference")
	b.textKey, b.expiresAt = c.word("text_key"), c.instant("expires_at")
	b.from = b.lineage()
	b.seal()
	return b
}

func (b *notifications) base() *table { return b.table }

func (b *notifications) add(r *kgo.Record) error {
	var n schemas.Notification
	if err := json.Unmarshal(r.Value, &n); err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	b.id.Append(n.ID)
	b.account.Append(string(n.Account))
	b.at.Append(n.At)
	b.kind.Append(n.Type)
	b.campaign.Append(n.Campaign)
	b.wallet.Append(n.Wallet)
	b.amount.Append(n.Amount)
	b.value.Append(n.Value)
	b.target.Append(n.Target)
	b.reference.Append(n.Reference)
	b.textKey.Append(n.TextKey)
	b.expiresAt.Append(n.ExpiresAt)
	b.from.add(r)
	return nil
}
