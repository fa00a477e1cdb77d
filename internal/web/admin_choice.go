package web

// Choices is a group of boxes to tick, for the part "choices".
type Choices struct {
	One               bool // exactly one of them
	Name, Label, Hint string
	Error             string // code below "invalid."
	None              string // said when there is nothing to tick
	When              string // "field=value": shown only while the field has that value
	Groups            []ChoiceGroup
}

// ChoiceGroup is some boxes below one heading.
type ChoiceGroup struct {
	Title   string
	Options []Choice
}

// Choice is one box.
type Choice struct {
	Value, Text, Hint string
	On                bool
}
