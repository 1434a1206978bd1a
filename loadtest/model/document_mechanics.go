package model

import "fmt"

type docWho struct {
	Segments       texts `yaml:"segments"`
	NotSegments    texts `yaml:"not_segments"`
	Consent        texts `yaml:"consent"`
	OptIn          text  `yaml:"opt_in"`
	Tiers          texts `yaml:"tiers"`
	Club           text  `yaml:"club"`
	EnrolledWithin text  `yaml:"enrolled_within"`
	BirthdayWithin text  `yaml:"birthday_within"`
	FirstReceipt   text  `yaml:"first_receipt"`
	Referred       text  `yaml:"referred"`
}

type docPoints struct {
	Get text `yaml:"get"`
	For text `yaml:"for"`
}

type docTimes struct {
	Factor text  `yaml:"factor"`
	Of     texts `yaml:"of"`
}

type docDraw struct {
	Chance text `yaml:"chance"`
	Prize  text `yaml:"prize"`
	Seed   text `yaml:"seed"`
}

type docEmit struct {
	Kind text `yaml:"kind"`
	To   text `yaml:"to"`
}

type docDonate struct {
	To    text `yaml:"to"`
	Share text `yaml:"share"`
}

type docProgress struct {
	Count      text           `yaml:"count"`
	Target     text           `yaml:"target"`
	Per        docPer         `yaml:"per"`
	Repeat     text           `yaml:"repeat"`
	Max        text           `yaml:"max"`
	Objectives []docObjective `yaml:"objectives"`
	Need       text           `yaml:"need"`
	Streak     text           `yaml:"streak"`
}

type docObjective struct {
	Name   any      `yaml:"name"`
	Lines  docLines `yaml:"lines"`
	Count  text     `yaml:"count"`
	Target text     `yaml:"target"`
}

type docTiers struct {
	Count     text       `yaml:"count"`
	Per       text       `yaml:"per"`
	Levels    []docLevel `yaml:"levels"`
	Downgrade text       `yaml:"downgrade"`
	Grace     text       `yaml:"grace"`
}

type docLevel struct {
	Name text `yaml:"name"`
	From text `yaml:"from"`
}

type docTerms struct {
	MinPurchase   text      `yaml:"min_purchase"`
	MinAmount     text      `yaml:"min_amount"`
	MaxShare      text      `yaml:"max_share"`
	Stores        docStores `yaml:"stores"`
	Hold          text      `yaml:"hold"`
	HoldOnline    text      `yaml:"hold_online"`
	NegativeLimit text      `yaml:"negative_limit"`
	Remind        text      `yaml:"remind"`
	Wallet        text      `yaml:"wallet"`
}

// docPer is a calendar period, or {rolling: Nd}.
type docPer struct {
	calendar text
	rolling  text
}

// UnmarshalYAML takes a scalar or the mapping.
func (p *docPer) UnmarshalYAML(decode func(any) error) error {
	var m struct {
		Rolling text `yaml:"rolling"`
	}
	if err := decode(&m); err == nil && m.Rolling != "" {
		p.rolling = m.Rolling
		return nil
	}
	if err := decode(&p.calendar); err != nil {
		return fmt.Errorf("per: %w", err)
	}
	return nil
}

// docReturns is "reverse", or {progress: revoke | keep_once_completed}.
type docReturns struct{ progress text }

// UnmarshalYAML takes a scalar or the mapping.
func (r *docReturns) UnmarshalYAML(decode func(any) error) error {
	var m struct {
		Progress text `yaml:"progress"`
	}
	if err := decode(&m); err == nil {
		r.progress = m.Progress
		return nil
	}
	var word text
	return decode(&word)
}
