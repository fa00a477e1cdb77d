package web

import (
	"cmp"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/insight"
)

// labels are the words of the shipped tags.
type labels struct {
	tagWords map[string]map[string]string // language -> name -> label
}

func loadLabels() (labels, error) {
	all, err := insight.TagWords()
	if err != nil {
		return labels{}, err
	}
	l := labels{map[string]map[string]string{}}
	for _, t := range all {
		for language, label := range t.Label {
			if l.tagWords[language] == nil {
				l.tagWords[language] = map[string]string{}
			}
			l.tagWords[language][t.Name] = label
		}
	}
	return l, nil
}

// TagLabel says a tag: the group's words, else the house's, else its name as it is.
func (l labels) TagLabel(w *Words, name, label string) string {
	if label != "" {
		return label
	}
	if words := cmp.Or(l.tagWords[w.Tag][name], l.tagWords[fallback][name]); words != "" {
		return words
	}
	if key := "tag." + name; w.Has(key) {
		return w.T(key)
	}
	_, short, found := strings.Cut(name, ":")
	if !found {
		short = name
	}
	return strings.ReplaceAll(short, "_", " ")
}

func (c *cardAt) tagLabel(t customer.Tag) string { return c.TagLabel(c.v.Words, t.Name, t.Label) }

// attributeLabel says what an attribute is called.
func (c *cardAt) attributeLabel(d customer.AttributeDef) string { return attributeName(c.v.Words, d) }

// facetsOf are the attributes whose values are those of facets, which have words.
var facetsOf = map[string]string{"concerns": "concern", "scents": "scent", "sizes": "size", "skin_type": "skin"}

// valueLabel says a value of an attribute.
func (c *cardAt) valueLabel(d customer.AttributeDef, value string) string {
	switch d.Type {
	case customer.TypeBirthday, customer.TypeDate:
		day, _ := c.clock.Birthday(value)
		return day
	case customer.TypeYes:
		return c.v.T("card." + value)
	}
	return c.codeLabel(c.v.Words, d, value)
}

// codeLabel says a choice: the group's words for it, the house's for a code that it
// knows, else what was entered.
func (l labels) codeLabel(w *Words, d customer.AttributeDef, code string) string {
	for _, choice := range d.Choices {
		if choice.Code == code && choice.Label != "" {
			return choice.Label
		}
	}
	if kind := facetsOf[d.Name]; kind != "" {
		if label := cmp.Or(l.tagWords[w.Tag][kind+":"+code], l.tagWords[fallback][kind+":"+code]); label != "" {
			return label
		}
	}
	for _, key := range []string{"attribute." + d.Name + "." + code, "spoken." + code} {
		if w.Has(key) && (d.Name == "languages" || !strings.HasPrefix(key, "spoken.")) {
			return w.T(key)
		}
	}
	return code
}

// source says where something comes from, as a key with a name.
func (c *cardAt) source(p customer.Proof) (key, who string) {
	key = "card.from." + known(sources, string(p.Source), "api")
	if p.Source == customer.SourceStaff {
		switch who = c.name(p.By); {
		case p.By == c.v.ID:
			key = "card.from.me"
		case who == "":
			key = "card.from.somebody"
		}
	}
	return key, who
}

// sources are where knowledge comes from, with words below "card.from.".
var sources = []string{"said", "staff", "till", "import", "api", "computed", "link"}

// from says where something comes from, and when: "said in chat · yesterday".
func (c *cardAt) from(p customer.Proof) string {
	return c.v.T("card.from", "source", c.origin(p), "when", c.clock.Ago(p.At))
}

// ruleText says what heard something in words; which rule it was is for who keeps them.
type ruleText struct {
	Text string // empty: nothing was heard
	ID   string // "zh-Hant/3/concern.sensitive"
}

func (c *cardAt) rule(rule string) ruleText {
	if rule == "" {
		return ruleText{}
	}
	language, _, _ := strings.Cut(rule, "/")
	if key := "spoken." + language; c.v.Words.Has(key) {
		return ruleText{c.v.T("card.tag.rule", "language", c.v.T(key)), rule}
	}
	return ruleText{c.v.T("card.tag.rule_other"), rule}
}
