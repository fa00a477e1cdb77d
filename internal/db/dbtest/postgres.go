package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dingdong/internal/db"
)

// shared is the one server of this test binary. It is a global because a test
// binary has no other place for what all its tests share; it is written once.
var shared = sync.OnceValues(joinServer)

// PostgresURL is the address of a new, migrated PostgreSQL database, which is
// dropped when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	name := "dd_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := execute(ctx, server.url("postgres"), "CREATE DATABASE "+name+" TEMPLATE "+server.template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(ctx, server.url("postgres"), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return server.url(name)
}

// server is where test databases are made, and from what.
type server struct {
	url      func(database string) string
	template string
	hold     *os.File // keeps a server of our own running
}

func joinServer() (*server, error) {
	s := &server{template: "template_" + db.Fingerprint()}
	if given := os.Getenv("DINGDONG_TEST_POSTGRES"); given != "" {
		u, err := url.Parse(given)
		if err != nil {
			return nil, fmt.Errorf("DINGDONG_TEST_POSTGRES: %w", err)
		}
		s.url = func(database string) string {
			v := *u
			v.Path = "/" + database
			return v.String()
		}
	} else {
		c, hold, err := joinCluster()
		if err != nil {
			return nil, err
		}
		s.url, s.hold = c.url, hold
	}
	return s, s.makeTemplate(context.Background())
}

// joinCluster takes part in the server that the test binaries of this user
// share, and starts it if nobody does.
func joinCluster() (*cluster, *os.File, error) {
	dir := filepath.Join(base(), "dingdong-test-postgres-"+strconv.Itoa(os.Getuid()))
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, nil, err
	}
	c, err := newCluster(dir)
	if err != nil {
		return nil, nil, err
	}
	// Opening without waiting fails when no server reads the pipe.
	if hold, err := os.OpenFile(c.fifo(), os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
		if err = c.await(5 * time.Second); err == nil {
			return c, hold, nil
		}
		hold.Close()
	}
	for deadline := time.Now().Add(10 * time.Second); c.alive() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // the last one is going; there is nothing to wait on
	}
	if err := c.initialise(); err != nil {
		return nil, nil, err
	}
	hold, err := c.start()
	if err != nil { // a machine that lost power leaves a broken directory, since nothing is synced
		os.Remove(filepath.Join(dir, "complete"))
		if err := c.initialise(); err != nil {
			return nil, nil, err
		}
		if hold, err = c.start(); err != nil {
			return nil, nil, err
		}
	}
	return c, hold, c.sweep()
}

// sweep drops what test binaries left that were killed.
func (c *cluster) sweep() error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database WHERE datname LIKE 'dd\_%'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		_, e := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		err = errors.Join(err, e)
	}
	return err
}

// makeTemplate migrates one database for all: cloning it is ten times faster
// than migrating.
func (s *server) makeTemplate(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return fmt.Errorf("PostgreSQL for tests: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(8472310)"); err != nil {
		return err
	}
	var done bool
	err = conn.QueryRow(ctx, "SELECT datistemplate FROM pg_database WHERE datname = $1", s.template).Scan(&done)
	if done {
		return nil
	}
	if err == nil { // begun and not finished
		if _, err := conn.Exec(ctx, "DROP DATABASE "+s.template+" WITH (FORCE)"); err != nil {
			return err
		}
	} else if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+s.template+" TEMPLATE template0"); err != nil {
		return err
	}
	d, err := db.Open(ctx, s.url(s.template), db.Options{})
	if err != nil {
		return err
	}
	err = d.Migrate(ctx)
	d.Close()
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+s.template+" IS_TEMPLATE true")
	return err
}

func execute(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", strings.SplitN(statement, " TEMPLATE", 2)[0], err)
	}
	return nil
}
