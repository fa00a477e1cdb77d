package app

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// updateConfigDoc rewrites docs/config.md instead of comparing it:
//
//	go test ./internal/app -run TestConfigDoc -update
var updateConfigDoc = flag.Bool("update", false, "rewrite docs/config.md")

const configDocHead = `# Settings

*Made from ` + "`internal/app/config.go`" + ` by its test; to change a line, change the struct and run
` + "`go test ./internal/app -run TestConfigDoc -update`" + `.*

Every setting is a flag of every command and an environment variable. A flag goes before its variable, a variable before the
default. With nothing set, ` + "`dingdong serve`" + ` works on SQLite in ` + "`./data`" + ` and listens on this machine only.
A switch is on when its variable is ` + "`true`, `1` or `yes`" + `.

What a manager may change while the house runs is not here: it lives in the database and has a page under *Administration*.

| flag | environment variable | default | meaning |
|---|---|---|---|
`

// TestConfigDoc keeps the page of settings equal to the settings there are.
func TestConfigDoc(t *testing.T) {
	want := []byte(configDocHead + configTable(t))
	path := filepath.Join("..", "..", "docs", "config.md")
	if *updateConfigDoc {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/config.md is not what the settings say; run: go test ./internal/app -run TestConfigDoc -update\nwant:\n%s", want)
	}
}

// configTable asks the command line itself for the names, so that the page says
// what the program understands and not what we think it does.
func configTable(t *testing.T) string {
	t.Helper()
	var c commands
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	flags := map[uintptr]*kong.Flag{}
	for _, f := range parser.Model.Flags {
		if f.Target.CanAddr() {
			flags[f.Target.Addr().Pointer()] = f
		}
	}
	var table strings.Builder
	settings := reflect.ValueOf(&c.Config).Elem()
	for i := range settings.NumField() {
		name := settings.Type().Field(i).Name
		f := flags[settings.Field(i).Addr().Pointer()]
		switch {
		case f == nil:
			t.Errorf("Config.%s is no flag", name)
			continue
		case len(f.Envs) != 1:
			t.Errorf("Config.%s has %d environment variables, not one", name, len(f.Envs))
			continue
		case f.Help == "":
			t.Errorf("Config.%s has no help", name)
		}
		fmt.Fprintf(&table, "| `--%s` | `%s` | %s | %s |\n", f.Name, f.Envs[0], configDefault(f), strings.ReplaceAll(f.Help, "|", `\|`))
	}
	return table.String()
}

func configDefault(f *kong.Flag) string {
	switch {
	case f.Default != "":
		return "`" + f.Default + "`"
	case f.IsBool():
		return "off"
	}
	return "empty"
}
