package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var errNoPostgres = errors.New("PostgreSQL was not found: install its server (Debian: apt-get install postgresql; " +
	"`make test` does so), put its bin directory on PATH, or name a running server that may create databases in DINGDONG_TEST_POSTGRES")

// cluster is a PostgreSQL data directory with its socket, below dir.
type cluster struct {
	dir  string
	bin  string
	cred *syscall.Credential // nil: as ourselves
}

// newCluster prepares dir; as root everything runs as the user postgres,
// because PostgreSQL refuses to run as root.
func newCluster(dir string) (*cluster, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, bin: bin}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if os.Getuid() != 0 {
		return c, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("tests run as root and PostgreSQL will not: %w", err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	c.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return c, os.Chown(dir, int(uid), int(gid))
}

func findPostgres() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	more, _ := filepath.Glob("/opt/homebrew/opt/postgresql@*/bin/initdb")
	found = append(found, more...)
	if len(found) == 0 {
		return "", errNoPostgres
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }
func (c *cluster) fifo() string { return filepath.Join(c.dir, "users") }
func (c *cluster) log() string  { return filepath.Join(c.dir, "log") }

func (c *cluster) url(database string) string {
	q := url.Values{"host": {c.dir}, "user": {"postgres"}, "sslmode": {"disable"}}
	return "postgres:///" + database + "?" + q.Encode()
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred, Setsid: true}
	return cmd
}

func (c *cluster) initialise() error {
	if _, err := os.Stat(filepath.Join(c.dir, "complete")); err == nil {
		return nil
	}
	if err := os.RemoveAll(c.data()); err != nil {
		return err
	}
	out, err := c.command("initdb", "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return os.WriteFile(filepath.Join(c.dir, "complete"), nil, 0o600)
}

// settings make a server that only tests could love.
func (c *cluster) settings() []string {
	return []string{"-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off",
		"-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "autovacuum_naptime=300"}
}

// start runs the server for as long as somebody holds the pipe open for
// writing: test binaries that crash are counted out by the kernel.
func (c *cluster) start() (*os.File, error) {
	os.Remove(c.fifo())
	if err := syscall.Mkfifo(c.fifo(), 0o600); err != nil {
		return nil, err
	}
	if c.cred != nil {
		if err := os.Chown(c.fifo(), int(c.cred.Uid), int(c.cred.Gid)); err != nil {
			return nil, err
		}
	}
	const script = `fifo=$1; log=$2; shift 2; "$@" >"$log" 2>&1 & pid=$!; cat "$fifo" >/dev/null; rm -f "$fifo"; kill -INT $pid; wait $pid`
	args := append([]string{"-c", script, "sh", c.fifo(), c.log(), filepath.Join(c.bin, "postgres")}, c.settings()...)
	cmd := exec.Command("/bin/sh", args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred, Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go cmd.Wait() // so that it does not stay behind as a zombie
	hold, err := os.OpenFile(c.fifo(), os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := c.await(20 * time.Second); err != nil {
		hold.Close()
		return nil, err
	}
	return hold, nil
}

// await returns when the server answers.
func (c *cluster) await(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(c.log())
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, log)
		case <-tick.C:
		}
	}
}

// alive says whether the process that owns the data directory runs.
func (c *cluster) alive() bool {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	return err == nil && syscall.Kill(pid, 0) == nil
}

// Server is a PostgreSQL of one test, which the test may stop and start.
type Server struct {
	c *cluster
}

// NewServer starts a server of its own, with an empty database; it ends with
// the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp(base(), "dingdong-pg-")
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCluster(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{c}
	t.Cleanup(func() {
		c.command("pg_ctl", "stop", "-D", c.data(), "-m", "immediate", "-w").Run()
		os.RemoveAll(dir)
	})
	if err := c.initialise(); err != nil {
		t.Fatal(err)
	}
	s.control(t, "start", "-o", "-k "+dir+" -c listen_addresses= -c fsync=off")
	return s
}

// URL is the address of its database.
func (s *Server) URL() string { return s.c.url("postgres") }

// Stop ends the server at once, as a crash would.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.control(t, "stop", "-m", "immediate")
}

// Start starts it again after Stop.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.control(t, "start", "-o", "-k "+s.c.dir+" -c listen_addresses= -c fsync=off")
}

// Restart is a crash and the start after it.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Start(t)
}

func (s *Server) control(t testing.TB, verb string, more ...string) {
	t.Helper()
	args := append([]string{verb, "-D", s.c.data(), "-l", s.c.log(), "-w"}, more...)
	cmd := s.c.command("pg_ctl", args...)
	if err := cmd.Run(); err != nil { // no pipes: the server would hold them open
		log, _ := os.ReadFile(s.c.log())
		t.Fatalf("pg_ctl %s: %v\n%s", verb, err, log)
	}
}
