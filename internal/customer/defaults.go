package customer

import (
	"fmt"
	"strings"

	"dingdong/internal/db"
)

// What a house knows of its customers from the first day on. Labels are empty:
// the locale has a word for each of these names. The group may rename, reorder
// and close them; what it changed is never changed back.

// afterDefaults is the position of tags that a lexicon brings.
const afterDefaults = 10_000

func defaultAttributes() []AttributeDef {
	codes := func(list string) []Choice {
		var out []Choice
		for code := range strings.FieldsSeq(list) {
			out = append(out, Choice{Code: code})
		}
		return out
	}
	return []AttributeDef{
		{Name: "address_as", Type: TypeText},
		{Name: AttributeBirthday, Type: TypeBirthday},
		{Name: "languages", Type: TypeMany},
		{Name: "skin_type", Type: TypeChoice, Choices: codes("dry oily combination normal")},
		{Name: "sensitive", Type: TypeYes},
		{Name: "undertone", Type: TypeChoice, Choices: codes("cool warm neutral")},
		{Name: "concerns", Type: TypeMany},
		{Name: "shades_tried", Type: TypeMany},
		{Name: "shades_owned", Type: TypeMany},
		{Name: "scents", Type: TypeMany},
		{Name: "sizes", Type: TypeMany},
		{Name: "allergies", Type: TypeMany},
		{Name: "member_level", Type: TypeChoice, Choices: codes("standard silver gold platinum")},
	}
}

// Facets lists what words and products can be about, by kind. The name of the
// facet, and of its tag, is "kind:value".
func Facets() []FacetKind {
	kind := func(name string, days int, tone, values string) FacetKind {
		return FacetKind{Name: name, Values: strings.Fields(values), days: days, tone: tone}
	}
	return []FacetKind{
		kind("skin", 0, "rose", "dry oily combination normal sensitive"),
		kind("concern", 730, "rose", "sensitive dry oily acne ageing dark_spots pores redness dullness dark_circles"),
		kind("category", 365, "blue", `skincare makeup lipstick foundation cushion mascara perfume bodycare haircare suncare mask serum
			cleanser gift_set tools`),
		kind("finish", 730, "violet", "matte dewy satin glossy natural"),
		kind("scent", 730, "violet", "light rose citrus woody musk floral fruity vanilla fresh"),
		kind("texture", 730, "violet", "light rich"),
		kind("size", 730, "grey", "small large travel"),
	}
}

// FacetKind is one kind of facets with its values.
type FacetKind struct {
	Name   string
	Values []string
	days   int // how long what she said of it holds: tastes change, a skin stays
	tone   string
}

func defaultTags() []Tag {
	tags := []Tag{
		{Name: "skincare_lover", Tone: "green", ByHand: true},
		{Name: "perfume_enthusiast", Tone: "green", ByHand: true},
		{Name: "gift_expert", Tone: "green", ByHand: true},
	}
	for _, k := range Facets() {
		for _, value := range k.Values {
			tags = append(tags, Tag{Name: k.Name + ":" + value, Tone: k.tone, Days: k.days})
		}
	}
	for i := range tags {
		tags[i].Position = 10 * (i + 1)
	}
	return tags
}

// EnsureDefaults makes the attributes and tags of the first day that there are
// not yet. It runs at every start, on every node.
func (b *Book) EnsureDefaults(tx *db.Tx) error {
	names, err := texts(tx, `SELECT name FROM attribute_def`)
	if err != nil {
		return fmt.Errorf("default attributes: %w", err)
	}
	there := set(names)
	var args []any
	for i, d := range defaultAttributes() {
		if !there[d.Name] {
			args = append(args, tx.NewID("atd"), d.Name, string(d.Type), d.choices(), int64(10*(i+1)))
		}
	}
	if err := tx.Insert(`INSERT INTO attribute_def (id, name, type, choices, position)`, 5, args, `ON CONFLICT (name) DO NOTHING`); err != nil {
		return fmt.Errorf("default attributes: %w", err)
	}
	return ensureTags(tx, defaultTags())
}

func ensureTags(tx *db.Tx, tags []Tag) error {
	names, err := texts(tx, `SELECT name FROM tag`)
	if err != nil {
		return fmt.Errorf("default tags: %w", err)
	}
	there := set(names)
	var args []any
	for _, t := range tags {
		if !there[t.Name] {
			there[t.Name] = true
			args = append(args, tx.NewID("tag"), t.Name, t.Tone, int64(t.Days), t.ByHand, int64(t.Position))
		}
	}
	if err := tx.Insert(`INSERT INTO tag (id, name, tone, days, by_hand, position)`, 6, args, `ON CONFLICT (name) DO NOTHING`); err != nil {
		return fmt.Errorf("default tags: %w", err)
	}
	return nil
}

func set(values []string) map[string]bool {
	out := make(map[string]bool, len(values))
	for _, v := range values {
		out[v] = true
	}
	return out
}
