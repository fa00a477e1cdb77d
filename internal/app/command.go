package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// commands is the command line: each command is a struct with a Run method in a
// file of its own.
type commands struct {
	Config

	Serve   serveCommand   `cmd:"" help:"Run the console, the webhooks, the API and the background work."`
	Migrate migrateCommand `cmd:"" help:"Bring the database up to this version, and stop."`
	Admin   adminCommand   `cmd:"" help:"Do from the command line what the console administers."`
	Import  importCommand  `cmd:"" help:"Import products, purchases or customers from a file of any size."`
	Backup  backupCommand  `cmd:"" help:"Copy database and media into one file while the house runs, on SQLite and PostgreSQL; the key only with --with-key."`
	Restore restoreCommand `cmd:"" help:"Fill an empty data folder from a backup."`
	Check   checkCommand   `cmd:"" help:"Check integrity, orphans and the audit chain."`
	Copy    copyCommand    `cmd:"" help:"Copy everything into another, empty database: from SQLite to PostgreSQL, or back."`
	KeyFile keyCommand     `cmd:"" name:"key" help:"Change the installation key, or what guards it."`
	Privacy privacyCommand `cmd:"" help:"Export or erase a customer, and let go of what is too old."`
	Audit   auditCommand   `cmd:"" help:"Work with the audit log."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// call is what a command works with.
type call struct {
	ctx    context.Context
	config Config
	Streams
	log *slog.Logger
}

// Main runs the command line and returns the exit status.
func Main(ctx context.Context, args []string, s Streams) int {
	var c commands
	status := -1
	parser, err := kong.New(&c, kong.Name("dingdong"), kong.Description("The second counter of a department store."),
		kong.Writers(s.Out, s.Err), kong.Exit(func(code int) { status = code }), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(s.Err, "dingdong:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help has been answered
		return status
	}
	if err != nil {
		fmt.Fprintln(s.Err, "dingdong:", err)
		return 2
	}
	run := &call{ctx: ctx, config: c.Config, Streams: s, log: newLog(c.Config, s.Err)}
	if err := parsed.Run(run); err != nil {
		fmt.Fprintln(s.Err, "dingdong:", err)
		return 1
	}
	return 0
}

// newLog makes the log. It holds no personal data: rooms log ids and kinds.
func newLog(c Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(c *call) error {
	_, err := fmt.Fprintln(c.Out, "dingdong", version())
	return err
}

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}

type serveCommand struct{}

// Run serves until it is told to stop.
func (serveCommand) Run(c *call) error {
	slog.SetDefault(c.log) // for what logs by itself: the HTTP server, the event log
	a, err := New(c.ctx, c.config, c.log)
	if err != nil {
		return err
	}
	if c.config.Demo {
		return a.runDemo(c)
	}
	c.log.Info("dingdong listens", "address", a.Desk.PublicURL, "database", a.DB.Engine(), "version", version())
	return a.Run(c.ctx)
}

type migrateCommand struct{}

// Run migrates. Opening does all of it.
func (migrateCommand) Run(c *call) error {
	a, err := openStores(c)
	if err != nil {
		return err
	}
	a.close()
	_, err = fmt.Fprintln(c.Out, "database is up to date")
	return err
}

// openStores opens database, key and blobs for a command that does not serve.
func openStores(c *call) (*App, error) {
	if err := c.config.check(); err != nil {
		return nil, err
	}
	a := &App{Config: c.config, Log: c.log}
	if err := a.open(c.ctx); err != nil {
		a.close()
		return nil, err
	}
	a.Desk.PublicURL = a.publicURL()
	return a, nil
}

// existingStores is openStores for commands that only look: on a mistyped
// folder they would make an empty house, and find nothing wrong with it.
func existingStores(c *call) (*App, error) {
	if file, ok := strings.CutPrefix(c.config.DatabaseURL(), "sqlite:"); ok {
		if _, err := os.Stat(strings.TrimPrefix(file, "//")); err != nil {
			return nil, fmt.Errorf("there is no database here (--data or --db names another place): %w", err)
		}
	}
	return openStores(c)
}
