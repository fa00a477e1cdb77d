package handover

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSplitByName(t *testing.T) {
	mei := Colleague{ID: "mei", Languages: []string{"zh-Hant", "en"}, Specialities: "Sensitive skin, brides"}
	lan := Colleague{ID: "lan", Languages: []string{"zh-Hant", "ar"}, Specialities: "lipstick"}
	siti := Colleague{ID: "siti", Languages: []string{"ms"}}
	for name, c := range map[string]struct {
		rule       Rule
		colleagues []Colleague
		client     Client
		want       string
	}{
		"nobody is there":             {Rule{}, nil, Client{ID: "1"}, ""},
		"only one is there":           {Rule{Language: true}, []Colleague{siti}, Client{ID: "1", Language: "th"}, "siti"},
		"her language":                {Rule{Language: true}, []Colleague{mei, lan, siti}, Client{ID: "1", Language: "ar"}, "lan"},
		"her language in other signs": {Rule{Language: true}, []Colleague{siti, mei}, Client{ID: "1", Language: "zh-Hans"}, "mei"},
		"the language is not asked":   {Rule{}, []Colleague{{ID: "a"}, lan}, Client{ID: "1", Language: "ar"}, "a"},
		"what she cares for":          {Rule{Speciality: true}, []Colleague{lan, mei}, Client{ID: "1", Interests: []string{"sensitive"}}, "mei"},
		"language before interests":   {Rule{Language: true, Speciality: true}, []Colleague{lan, mei}, Client{ID: "1", Language: "ar", Interests: []string{"sensitive"}}, "lan"},
		"the least burdened":          {Rule{Load: true}, []Colleague{{ID: "a", Load: 9}, {ID: "b", Load: 8}}, Client{ID: "1"}, "b"},
		"the load is not asked":       {Rule{}, []Colleague{{ID: "a", Load: 9}, {ID: "b", Load: 8}}, Client{ID: "1"}, "a"},
		"by hand":                     {Rule{Language: true}, []Colleague{mei, lan}, Client{ID: "1", Language: "ar", To: "mei"}, "mei"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Split(c.rule, c.colleagues, []Client{c.client})["1"]; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// What must hold of every split, over many that nobody thought of.
func TestSplitHolds(t *testing.T) {
	languages := []string{"", "zh-Hant", "zh-Hans", "en", "ar", "th"}
	words := []string{"lips", "skin", "scent"}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		pick := func(from []string) string { return from[r.IntN(len(from))] }
		rule := Rule{r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0}
		var colleagues []Colleague
		for n := range r.IntN(6) {
			colleagues = append(colleagues, Colleague{ID: fmt.Sprintf("p%d", n), Languages: []string{pick(languages[1:]), pick(languages[1:])},
				Specialities: pick(words), Load: r.IntN(40)})
		}
		var clients []Client
		for n := range r.IntN(120) {
			c := Client{ID: fmt.Sprintf("c%03d", n), Language: pick(languages), Interests: []string{pick(words)}}
			if len(colleagues) > 0 && r.IntN(8) == 0 {
				c.To = colleagues[r.IntN(len(colleagues))].ID
			}
			clients = append(clients, c)
		}
		got := Split(rule, colleagues, clients)
		holds(t, rule, colleagues, clients, got)

		mixed, others := slices.Clone(clients), slices.Clone(colleagues)
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		r.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		if !maps.Equal(got, Split(rule, others, mixed)) {
			t.Fatalf("seed %d: another order comes to another split", seed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func holds(t *testing.T, rule Rule, colleagues []Colleague, clients []Client, got map[string]string) {
	t.Helper()
	if len(got) != len(clients) {
		t.Errorf("%d of %d clients", len(got), len(clients))
	}
	load := map[string]int{}
	for _, p := range colleagues {
		if rule.Load {
			load[p.ID] = p.Load
		}
	}
	byID := map[string]Colleague{}
	for _, p := range colleagues {
		byID[p.ID] = p
	}
	for _, to := range got {
		load[to]++
	}
	for _, c := range clients {
		to := got[c.ID]
		p, known := byID[to]
		switch {
		case len(colleagues) == 0 && to == "":
			continue
		case !known:
			t.Errorf("%s is given to %q, who is not there", c.ID, to)
			continue
		case c.To != "":
			if c.To != to {
				t.Errorf("%s was given by hand to %s and went to %s", c.ID, c.To, to)
			}
			continue
		}
		speaks := func(q Colleague) bool { return slices.Contains(q.Languages, c.Language) }
		if rule.Language && c.Language != "" && slices.ContainsFunc(colleagues, speaks) && !speaks(p) {
			t.Errorf("%s speaks %s and went to %v", c.ID, c.Language, p)
		}
		for _, q := range colleagues { // whoever suits her as well
			same := (!rule.Language || slices.Equal(q.Languages, p.Languages)) && (!rule.Speciality || q.Specialities == p.Specialities)
			if same && load[to]-load[q.ID] > 1 {
				t.Errorf("%s went to %s who has %d, %s has %d", c.ID, to, load[to], q.ID, load[q.ID])
			}
		}
	}
}
