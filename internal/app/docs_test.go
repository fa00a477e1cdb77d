package app

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The record of security names tests: a name that leads nowhere is worse than none.
func TestTheRecordOfSecurityNamesTestsThatAreThere(t *testing.T) {
	there := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && strings.HasPrefix(f.Name.Name, "Test") {
				there[f.Name.Name] = true
			}
		}
	}
	name := regexp.MustCompile(`\bTest[A-Z]\w+`)
	for _, file := range []string{"../../docs/security.md", "../../docs/asvs.md"} {
		text, err := os.ReadFile(file)
		must(t, err)
		for _, found := range name.FindAllString(string(text), -1) {
			if !there[found] {
				t.Errorf("%s names %s, which is no test", file, found)
			}
		}
	}
}
