package insight

import (
	"database/sql"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// Room holds what the room's functions need besides a transaction, and the
// compiled lexicons that are live.
type Room struct {
	Vault *vault.Vault
	Book  *customer.Book
	Desk  *conversation.Desk

	live  liveReader
	ahead readings
}

// liveReader spares every message the question which lexicons are live. What
// another process publishes is read within a second.
type liveReader struct {
	mu     sync.Mutex
	ids    []string // of the lexicons it was compiled of
	reader *Reader
	till   time.Time
}

const liveTime = time.Second

// get gives the reader, and whether it needs no look into the table.
func (l *liveReader) get(now time.Time) (*Reader, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A clock set back must not make an old reader live for hours.
	return l.reader, l.reader != nil && now.Before(l.till) && l.till.Sub(now) <= liveTime
}

// same keeps the reader for another second if it was compiled of these.
func (l *liveReader) same(ids []string, now time.Time) (*Reader, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader == nil || !slices.Equal(l.ids, ids) {
		return nil, false
	}
	l.till = now.Add(liveTime)
	return l.reader, true
}

func (l *liveReader) put(r *Reader, ids []string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reader, l.ids, l.till = r, ids, now.Add(liveTime)
}

func (l *liveReader) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.till = time.Time{}
}

// Live gives the reader of the lexicons that are live.
func (r *Room) Live(tx *db.Tx) (*Reader, error) {
	if reader, fresh := r.live.get(tx.Now); fresh {
		return reader, nil
	}
	rows, err := tx.Query(`SELECT id FROM lexicon WHERE state = 'live' ORDER BY id`)
	ids, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("live lexicons: %w", err)
	}
	if reader, ok := r.live.same(ids, tx.Now); ok {
		return reader, nil
	}
	rows, err = tx.Query(`SELECT ` + versionColumns + `, yaml FROM lexicon WHERE state = 'live' ORDER BY id`)
	versions, err := db.Collect(rows, err, scanVersionText)
	if err != nil {
		return nil, fmt.Errorf("live lexicons: %w", err)
	}
	reader, err := compileVersions(versions)
	if err != nil {
		return nil, err
	}
	r.live.put(reader, ids, tx.Now)
	// Parsing leaves ten times what it keeps, and may be the last work for hours.
	go debug.FreeOSMemory()
	return reader, nil
}

// Nobody says that no lexicon is live.
func (r *Room) Nobody(tx *db.Tx) (bool, error) {
	reader, err := r.Live(tx)
	return err == nil && reader.Phrases() == 0, err
}

// compileVersions leaves out what a newer program no longer takes: the other
// languages go on, and the list of versions says why that one does not.
func compileVersions(versions []Version) (*Reader, error) {
	if untouched(versions) {
		return firstReader()
	}
	var lexicons []Lexicon
	for _, v := range versions {
		l, err := ParseLexicon([]byte(v.YAML))
		if err != nil || l.Language != v.Language {
			continue
		}
		l.Version = v.Version
		lexicons = append(lexicons, l)
	}
	return Compile(lexicons)
}
