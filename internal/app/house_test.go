package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms is the total order of docs/design.md, section 2: a room may import only
// what stands above its name. A room appears here with its first feature.
var rooms = []string{
	"db",
	"blob",
	"vault",
	"channel",
	"job",
	"event",
	"audit",
	"staff",
	"sso",
	"customer",
	"catalogue",
	"consent",
	"conversation",
	"insight",
	"handover",
	"alarm",
	"export",
	"privacy",
	"webhook",
	"web",
	"api",
	"demo",
	"app",
}

const (
	below    = "dingdong/internal/"
	contract = "dingdong/internal/channel"
)

// source is one Go file of the house.
type source struct {
	path string // below internal/, with slashes
	dir  string
	room string
	test bool
	ast  *ast.File
	set  *token.FileSet
}

// sources parses every Go file below internal.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir("..", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(name) != ".go" {
			return err
		}
		inside, err := filepath.Rel("..", name)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(inside), test: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet()}
		s.dir = filepath.ToSlash(filepath.Dir(inside))
		s.room, _, _ = strings.Cut(s.path, "/")
		s.ast, err = parser.ParseFile(s.set, name, nil, parser.SkipObjectResolution)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d files were found: the test looks in the wrong place", len(all))
	}
	return all
}

func (s source) imports() []string {
	var paths []string
	for _, i := range s.ast.Imports {
		path, _ := strconv.Unquote(i.Path.Value) // the parser has read it before
		paths = append(paths, path)
	}
	return paths
}

// adapter is the folder of a messenger, "channel/line", with what stands in it.
func (s source) adapter() string {
	parts := strings.Split(s.dir, "/")
	if len(parts) < 2 || parts[0] != "channel" || parts[1] == "channeltest" {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

func TestRoomsImportOnlyWhatStandsAbove(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			if why := refuseImport(s, path); why != "" {
				t.Errorf("%s imports %s: %s", s.path, path, why)
			}
		}
	}
}

// refuseImport says why a file may not import a package.
func refuseImport(s source, path string) string {
	place := slices.Index(rooms, s.room)
	if place < 0 {
		return "the room " + s.room + " is not in the list"
	}
	if a := s.adapter(); a != "" && !s.test {
		own := path == below+a || strings.HasPrefix(path, below+a+"/")
		first, _, _ := strings.Cut(path, "/")
		standard := !strings.Contains(first, ".") && first != "dingdong"
		if path != contract && !own && !standard {
			return "an adapter knows the contract, the standard library and its own folders"
		}
		return ""
	}
	inside, ok := strings.CutPrefix(path, below)
	if !ok {
		if strings.HasPrefix(path, "dingdong") {
			return "nothing imports a command"
		}
		return ""
	}
	to, _, _ := strings.Cut(inside, "/")
	switch other := slices.Index(rooms, to); {
	case other < 0:
		return "the room " + to + " is not in the list"
	case other > place:
		return "it stands below"
	}
	// A fake platform is for tests, for the demo, and for nothing that serves.
	if !s.test && strings.HasSuffix(inside, "fake") && s.room != "demo" {
		return "a fake is for tests and the demo"
	}
	if !s.test && strings.HasSuffix(inside, "test") && !strings.HasSuffix(s.dir, "test") {
		return "it is for tests"
	}
	return ""
}

// TestTheListItself keeps the two tests above honest.
func TestTheListItself(t *testing.T) {
	for name, c := range map[string]struct {
		dir, path string
		test      bool
		refused   bool
	}{
		"upward":                               {dir: "web", path: below + "conversation"},
		"downward":                             {dir: "conversation", path: below + "web", refused: true},
		"downward from a test":                 {dir: "conversation", path: below + "web", test: true, refused: true},
		"outside":                              {dir: "web", path: "github.com/google/uuid"},
		"an adapter to the contract":           {dir: "channel/line", path: contract},
		"an adapter to the standard library":   {dir: "channel/line", path: "net/http"},
		"an adapter to its own folder":         {dir: "channel/line", path: below + "channel/line/linefake"},
		"a fake to its adapter":                {dir: "channel/line/linefake", path: below + "channel/line"},
		"an adapter to another":                {dir: "channel/line", path: below + "channel/webchat", refused: true},
		"an adapter to the database":           {dir: "channel/line", path: below + "db", refused: true},
		"an adapter to a module":               {dir: "channel/line", path: "github.com/google/uuid", refused: true},
		"an adapter's test to the conformance": {dir: "channel/line", path: below + "channel/channeltest", test: true},
		"the demo to a fake":                   {dir: "demo", path: below + "channel/line/linefake"},
		"the house to a fake":                  {dir: "app", path: below + "channel/line/linefake", refused: true},
		"the demo to the house":                {dir: "demo", path: below + "app", refused: true},
		"a room to test helpers":               {dir: "web", path: below + "db/dbtest", refused: true},
		"a room that is not in the list":       {dir: "utils", path: "fmt", refused: true},
		"to a room that is not in the list":    {dir: "app", path: below + "utils", refused: true},
		"to a command":                         {dir: "app", path: "dingdong/cmd/dingdong", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			room, _, _ := strings.Cut(c.dir, "/")
			got := refuseImport(source{dir: c.dir, room: room, test: c.test}, c.path)
			if (got != "") != c.refused {
				t.Errorf("%s importing %s: %q", c.dir, c.path, got)
			}
		})
	}
}

func TestEveryRoomInTheListIsThere(t *testing.T) {
	there := map[string]bool{}
	for _, s := range sources(t) {
		there[s.room] = true
	}
	for _, room := range rooms {
		if !there[room] {
			t.Errorf("%s is in the list and nowhere else", room)
		}
	}
}

// ownClock are the places outside db and cmd that may read the clock of the
// machine, and why.
var ownClock = map[string]string{
	"channel/line/linefake/fake.go": "a platform has a clock of its own: it is the default of an option",
	"sso/ssotest/provider.go":       "so has a provider",
}

func TestTimeComesFromTheDatabase(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || s.room == "db" {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if !ok || pkg.Name != "time" || !slices.Contains([]string{"Now", "Since", "Until"}, call.Sel.Name) {
				return true
			}
			if ownClock[s.path] == "" {
				t.Errorf("%s reads the machine's clock with time.%s: pass now in", s.set.Position(n.Pos()), call.Sel.Name)
			}
			used[s.path] = true
			return true
		})
	}
	for path := range ownClock {
		if !used[path] {
			t.Errorf("%s no longer reads the clock: take it off the list", path)
		}
	}
}

func TestNothingHappensAtImport(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: an init function: nothing happens behind the reader's back", s.set.Position(f.Pos()))
			}
		}
	}
}

// TestNoTestSleeps: a test that sleeps is slow on a good day and wrong on a bad one.
func TestNoTestSleeps(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		bubble := slices.Contains(s.imports(), "testing/synctest") // there, time is not real
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Sleep" && !bubble {
				if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" {
					t.Errorf("%s sleeps: wait for what should happen", s.set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}
