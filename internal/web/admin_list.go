package web

// adminListPage is a list of one subject: stores, people, accounts.
type adminListPage struct {
	Frame
	Top     AdminTop
	Filter  *Filter
	Groups  []adminGroup
	Nothing Empty // shown when there are no groups
}

// Filter is a line to search a list with.
type Filter struct {
	Path, Value, Label string
}

// adminGroup is a part of a list with a heading of its own; the heading may be empty.
type adminGroup struct {
	Title string
	Rows  []adminRow
}

// adminRow is one line that leads to its page.
type adminRow struct {
	Path   string
	Icon   string
	Tone   string // of the icon: a tag's colour
	Face   Avatar // instead of the icon, where it has a name
	Name   string
	Text   string
	Pills  []Pill
	Quota  quotaLine
	Worry  string
	Closed bool
}
