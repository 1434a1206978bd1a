package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

//go:embed avro/*.avsc
var avscFiles embed.FS

// AvroSchema is one version of one message's schema, as it is registered.
type AvroSchema struct {
	Name    string // of the message: receipt, ledger_record, balance_update, receipt_decision, metric_batch
	Version int    // from 1; the highest is what the codec writes
	Topic   string
	Text    string // JSON, as in the repository
}

// Subject returns the registry's name for the schema (TopicNameStrategy).
func (s AvroSchema) Subject() string { return s.Topic + "-value" }

// messageTopics names the messages and where they travel, in the order of the pipeline.
func messageTopics() [kinds][2]string {
	return [kinds][2]string{
		kindReceipt:  {"receipt", TopicReceipts},
		kindLedger:   {"ledger_record", TopicLedger},
		kindBalance:  {"balance_update", TopicBalances},
		kindDecision: {"receipt_decision", TopicDecisions},
		kindMetrics:  {"metric_batch", TopicMetrics},
	}
}

// AvroSchemas returns every schema ever published, by message in the order of the pipeline and then by version.
func AvroSchemas() []AvroSchema {
	var all []AvroSchema
	for _, m := range messageTopics() {
		all = append(all, versionsOf(m[0], m[1])...)
	}
	return all
}

// CurrentSchema returns the version of a message's schema that the codec writes. ok is false for an unknown name.
func CurrentSchema(name string) (s AvroSchema, ok bool) {
	for _, c := range AvroSchemas() {
		if c.Name == name {
			s, ok = c, true
		}
	}
	return s, ok
}

// versionsOf lists the embedded versions of one message, oldest first. It panics only when the binary was built with a misnamed file, which
// no test would let pass.
func versionsOf(name, topic string) []AvroSchema {
	paths, err := fs.Glob(avscFiles, "avro/"+name+".v*.avsc")
	if err != nil || len(paths) == 0 {
		panic(fmt.Sprintf("schemas: no embedded schema for %s: %v", name, err))
	}
	list := make([]AvroSchema, 0, len(paths))
	for _, path := range paths {
		text, err := avscFiles.ReadFile(path)
		_, number, _ := strings.Cut(strings.TrimSuffix(path, ".avsc"), ".v")
		version, errNumber := strconv.Atoi(number)
		if err != nil || errNumber != nil {
			panic(fmt.Sprintf("schemas: embedded schema %s: %v, %v", path, err, errNumber))
		}
		list = append(list, AvroSchema{Name: name, Version: version, Topic: topic, Text: string(text)})
	}
	slices.SortFunc(list, func(a, b AvroSchema) int { return a.Version - b.Version })
	return list
}
