package web

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What goes into the audit under a name that nobody gave words would stand in it as a code.
func TestEveryActInTheSourceHasWords(t *testing.T) {
	named := regexp.MustCompile(`Action: +"([a-z_]+(?:\.[a-z_]+)?)"[,}]|\.note\(tx, v, "([a-z_.]+)"|setting\{id, "([a-z_.]+)"`)
	found := 0
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "demo/") {
			return err
		}
		source, err := os.ReadFile("../" + path)
		if err != nil {
			return err
		}
		for _, m := range named.FindAllStringSubmatch(string(source), -1) {
			found++
			if act := m[1] + m[2] + m[3]; !slices.Contains(acts, act) {
				t.Errorf("%s: %q has no words in the audit", path, act)
			}
		}
		return nil
	})
	if err != nil || found < 60 {
		t.Fatalf("%d acts found: %v", found, err)
	}
}
