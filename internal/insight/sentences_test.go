package insight_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// labelled is one sentence of the evaluation set and what a careful reader concludes from it.
type labelled struct {
	Text   string `yaml:"text"`
	Class  string `yaml:"class"`
	Set    string `yaml:"set"`
	Expect []struct {
		About  string `yaml:"about"`
		Stance string `yaml:"stance"`
	} `yaml:"expect"`
}

// vocabulary is every value a label may name; a typing error in a label would count against the reader for ever.
var vocabulary = map[string]string{
	"category":  "skincare makeup lipstick foundation cushion mascara perfume bodycare haircare suncare mask serum cleanser gift_set tools",
	"finish":    "matte dewy satin glossy natural",
	"scent":     "light rose citrus woody musk floral fruity vanilla fresh",
	"concern":   "sensitive acne ageing dark_spots pores redness dullness dark_circles",
	"skin":      "dry oily combination normal",
	"texture":   "light rich",
	"size":      "small large travel",
	"undertone": "cool warm neutral",
	"signal": "running_out too_strong allergy_reaction price_high competitor complaint out_of_stock gift occasion:birthday " +
		"occasion:mothers_day occasion:valentine occasion:wedding occasion:lunar_new_year occasion:christmas",
}

func TestLabelledSentencesAreWellFormed(t *testing.T) {
	least := map[string]int{"hit": 30, "negated": 14, "other": 12, "question": 12, "none": 10}
	needs := map[string]string{"hit": "said", "negated": "negated", "other": "other", "question": "asked"}
	for _, language := range []string{"zh-Hant", "zh-Hans", "en", "id", "ms", "ar", "th", "vi"} {
		t.Run(language, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "sentences", language+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			var rows []labelled
			if err := yaml.UnmarshalWithOptions(data, &rows, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			count, dev, seen := map[string]int{}, map[string]int{}, map[string]bool{}
			for _, row := range rows {
				if row.Text == "" || seen[row.Text] {
					t.Errorf("%q: empty or twice", row.Text)
				}
				seen[row.Text] = true
				count[row.Class]++
				switch row.Set {
				case "dev":
					dev[row.Class]++
				case "test":
				default:
					t.Errorf("%q: set %q", row.Text, row.Set)
				}
				checkExpect(t, row, needs[row.Class])
			}
			for class, n := range count {
				if n < least[class] || least[class] == 0 {
					t.Errorf("class %q has %d sentences, want %d", class, n, least[class])
				}
				if share := 100 * dev[class] / n; share < 30 || share > 45 {
					t.Errorf("class %q: %d%% is marked dev, want about 40%%", class, share)
				}
			}
			if len(count) != len(least) {
				t.Errorf("classes %v, want five", count)
			}
		})
	}
}

// checkExpect holds one sentence's labels against the vocabulary and against its class.
func checkExpect(t *testing.T, row labelled, need string) {
	t.Helper()
	stances := map[string]bool{}
	for _, e := range row.Expect {
		kind, value, _ := strings.Cut(e.About, ":")
		if !slices.Contains(strings.Fields(vocabulary[kind]), value) {
			t.Errorf("%q: about %q is not in the vocabulary", row.Text, e.About)
		}
		if !slices.Contains([]string{"said", "negated", "other", "asked"}, e.Stance) {
			t.Errorf("%q: stance %q", row.Text, e.Stance)
		}
		stances[e.Stance] = true
	}
	if row.Class == "none" && len(row.Expect) > 0 {
		t.Errorf("%q: class none expects nothing", row.Text)
	}
	if need != "" && !stances[need] {
		t.Errorf("%q: its class asks for a label %q", row.Text, need)
	}
}

func TestPhoneChatsAreWellFormed(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "phone_chats.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var chats []struct {
		Language string   `yaml:"language"`
		Messages []string `yaml:"messages"`
	}
	if err := yaml.UnmarshalWithOptions(data, &chats, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if len(chats) < 40 {
		t.Errorf("%d chats, want 40", len(chats))
	}
	for i, chat := range chats {
		if chat.Language == "" || len(chat.Messages) < 3 || len(chat.Messages) > 6 {
			t.Errorf("chat %d: language %q with %d messages", i, chat.Language, len(chat.Messages))
		}
	}
}
