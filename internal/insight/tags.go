package insight

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed tags.yaml
var tagsFile []byte

// TagWord is how a tag of the shipped lexicons looks before a group has changed it.
type TagWord struct {
	Name  string            `yaml:"name"`
	Tone  string            `yaml:"tone"`
	Days  int               `yaml:"days"`
	Label map[string]string `yaml:"label"` // by language of the console
}

// TagWords gives the tags of the shipped lexicons in the order in which they are shown.
// They are read once; nobody changes them.
var TagWords = sync.OnceValues(func() ([]TagWord, error) {
	var out []TagWord
	if err := yaml.UnmarshalWithOptions(tagsFile, &out, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("tags.yaml: %w", err)
	}
	return out, nil
})
