package rules

// Notifies reports whether any campaign of the ruleset tells members of each reward.
func (rs *Ruleset) Notifies() bool { return rs.notifies }

// Notified reports whether a version of a campaign tells members of each reward.
func (rs *Ruleset) Notified(campaign uint64, version int32) bool {
	i, found := rs.byVersion[versionKey{campaign, version}]
	return found && rs.rules[i].doc.Notify
}
