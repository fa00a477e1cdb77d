package app

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// A backup is one tar file: the database as dingdong.db, and the media below
// blobs/. What is in it is sealed; the installation key that opens it stays
// out, unless asked for: who keeps both in one place keeps no secret.
const (
	backupDatabase = "dingdong.db"
	backupKey      = "key.json"
	backupBlobs    = "blobs"
	partial        = ".partial"
)

type backupCommand struct {
	File    string `arg:"" help:"File to write."`
	WithKey bool   `name:"with-key" help:"Put the installation key in as well."`
}

// Run writes a backup while the house runs. Media that arrive during the copy
// may be missing from it; their messages are then missing too, because the
// database is copied first.
func (f backupCommand) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	if err := noteCommand(c.ctx, h.DB, "backup.made"); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(f.File), ".dingdong-backup-")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.RemoveAll(work)
	snapshot := filepath.Join(work, backupDatabase)
	if err := snapshotTo(c.ctx, h.DB, snapshot); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	unfinished := filepath.Join(work, "backup.tar")
	if err := f.pack(c, unfinished, snapshot); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.Rename(unfinished, f.File); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	_, err = fmt.Fprintln(c.Out, "backup written to", f.File)
	return err
}

// snapshotTo makes a SQLite file of either engine's data.
func snapshotTo(ctx context.Context, d *db.DB, file string) error {
	if d.Engine() == db.SQLite {
		return d.Backup(ctx, file)
	}
	to, err := db.Open(ctx, "sqlite:"+file, db.Options{})
	if err != nil {
		return err
	}
	defer to.Close()
	if err := to.Migrate(ctx); err != nil {
		return err
	}
	return d.CopyTo(ctx, to, func(string, int64) {})
}

func (f backupCommand) pack(c *call, to, snapshot string) (err error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := tar.NewWriter(out)
	if err := addFile(w, snapshot, backupDatabase); err != nil {
		return err
	}
	if f.WithKey {
		key, err := vault.KeyFile(c.config.KeyURI())
		if err != nil {
			return err
		}
		if err := addFile(w, key, backupKey); err != nil {
			return err
		}
	}
	root := filepath.Join(c.config.Data, backupBlobs)
	err = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		inside, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		err = addFile(w, name, path.Join(backupBlobs, filepath.ToSlash(inside)))
		if errors.Is(err, fs.ErrNotExist) { // unsent while we copied
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Sync()
}

func addFile(w *tar.Writer, name, inside string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: inside, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime().Truncate(time.Second)}); err != nil {
		return err
	}
	_, err = io.CopyN(w, in, info.Size())
	return err
}

type restoreCommand struct {
	File     string `arg:"" help:"Backup to read."`
	Erasures string `help:"The list of erasures (erasures.jsonl) of the house that was, as of today: who was erased after the backup was made is erased again." type:"path"`
}

// Run fills an empty data folder. It never overwrites: a mistake at this moment
// would cost the very data that is to be saved.
func (f restoreCommand) Run(c *call) error {
	if c.config.DB != "" {
		return errors.New("restore fills a data folder; to go on with PostgreSQL, run 'dingdong copy' afterwards")
	}
	if err := os.MkdirAll(c.config.Data, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	there, err := filepath.Glob(filepath.Join(c.config.Data, backupDatabase+"*")) // also what a dead server left beside it
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("restore: %s holds a database already (%s); name another folder with --data", c.config.Data, filepath.Base(there[0]))
	}
	in, err := os.Open(f.File)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer in.Close()
	if err := unpack(tar.NewReader(in), c.config.Data); err != nil {
		return fmt.Errorf("restore: %w; empty %s before you try again", err, c.config.Data)
	}
	if err := f.takeList(c); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if key, err := vault.KeyFile(c.config.KeyURI()); err == nil {
		if _, err := os.Stat(key); err != nil {
			_, err = fmt.Fprintf(c.Out, "restored into %s; put the installation key at %s before you start\n", c.config.Data, key)
			return err
		}
	}
	h, err := existingStores(c) // which erases again whom the list names
	if err != nil {
		return fmt.Errorf("restored into %s, but it does not open: %w", c.config.Data, err)
	}
	defer h.close()
	fmt.Fprintf(c.Out, "erased again, as the list of erasures says: %d records\n", h.erasedAgain)
	_, err = fmt.Fprintln(c.Out, "restored into", c.config.Data)
	return err
}

// takeList puts the list of erasures beside the restored database, where every start
// reads it.
func (f restoreCommand) takeList(c *call) error {
	to := filepath.Join(c.config.Data, erasureList)
	if f.Erasures == "" {
		if _, err := os.Stat(to); err != nil {
			fmt.Fprintf(c.Out, "no list of erasures: whoever was erased after this backup was made is back. "+
				"Put %s of the house that was at %s before anybody looks.\n", erasureList, to)
		}
		return nil
	}
	list, err := os.ReadFile(f.Erasures)
	if err != nil {
		return err
	}
	// A list that lies here may be longer than the copy of it: both count.
	there, err := os.ReadFile(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there = there[:bytes.LastIndexByte(there, '\n')+1] // without what a power cut left half-written
	return os.WriteFile(to, append(there, list...), 0o600)
}

func unpack(r *tar.Reader, data string) error {
	root, err := os.OpenRoot(data) // no name in the archive can lead out of the folder
	if err != nil {
		return err
	}
	defer root.Close()
	database := false
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		known := h.Name == backupDatabase || h.Name == backupKey || strings.HasPrefix(h.Name, backupBlobs+"/") && path.Clean(h.Name) == h.Name
		if h.Typeflag != tar.TypeReg || !known {
			return fmt.Errorf("%q does not belong in a backup", h.Name)
		}
		database = database || h.Name == backupDatabase
		if err := root.MkdirAll(path.Dir(h.Name), 0o700); err != nil {
			return err
		}
		name := h.Name
		if name == backupDatabase {
			name += partial // a restore that breaks off must not look like a whole one
		}
		out, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, r)
		if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
			return err
		}
	}
	if !database {
		return errors.New("the file holds no database")
	}
	return root.Rename(backupDatabase+partial, backupDatabase)
}
