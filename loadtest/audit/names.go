package audit

import "cagnotte/schemas"

// The names of the topics are the only thing that the audit takes from the product's schemas.
const (
	topicReceipts    = schemas.TopicReceipts
	topicLedger      = schemas.TopicLedger
	topicBalances    = schemas.TopicBalances
	topicDecisions   = schemas.TopicDecisions
	topicDeadLetters = schemas.TopicDeadLetters
)
