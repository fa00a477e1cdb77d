package linefake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// maxKept is how many messages of a person survive a restart.
const maxKept = 500

type savedState struct {
	NextMessage int64         `json:"nextMessage"`
	Used        int           `json:"used"`
	Month       int           `json:"month"`
	People      []savedPerson `json:"people"`
}

type savedPerson struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Picture string    `json:"picture,omitempty"`
	Friend  bool      `json:"friend"`
	Blocked bool      `json:"blocked"`
	Wrote   time.Time `json:"wrote"`
	Seq     int64     `json:"seq"`
	Log     []note    `json:"log"`
}

func (p *Platform) saveOften() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := p.save(); err != nil {
				p.o.Log.Warn("state not saved", "error", err)
			}
		case <-p.ctx.Done():
			return
		}
	}
}

// save writes the state if it changed, to a new file that then takes the old one's
// place.
func (p *Platform) save() error {
	if p.o.StateFile == "" || !p.dirty.Swap(false) {
		return nil
	}
	text, err := json.Marshal(p.state())
	if err != nil {
		return fmt.Errorf("write the platform's state: %w", err)
	}
	fresh := p.o.StateFile + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		p.dirty.Store(true)
		return fmt.Errorf("save the platform's state: %w", err)
	}
	if err := os.Rename(fresh, p.o.StateFile); err != nil {
		p.dirty.Store(true)
		return fmt.Errorf("save the platform's state: %w", err)
	}
	return nil
}

func (p *Platform) state() savedState {
	_, used := p.month.read(p.o.Now())
	s := savedState{NextMessage: p.ids.message.Load(), Used: used, Month: int(p.o.Now().Month())}
	p.mu.RLock()
	order := append([]*person(nil), p.order...)
	p.mu.RUnlock()
	for _, who := range order {
		who.mu.Lock()
		one := savedPerson{ID: who.id, Name: who.name, Picture: who.picture, Friend: who.friend, Blocked: who.blocked, Wrote: who.wrote, Seq: who.seq}
		for _, n := range who.log[max(0, len(who.log)-maxKept):] {
			one.Log = append(one.Log, *n)
		}
		who.mu.Unlock()
		s.People = append(s.People, one)
	}
	return s
}

func (p *Platform) load() error {
	if p.o.StateFile == "" {
		return nil
	}
	text, err := os.ReadFile(p.o.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s savedState
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return fmt.Errorf("read the platform's state: %w", err)
	}
	if s.NextMessage > p.ids.message.Load() {
		p.ids.message.Store(s.NextMessage)
	}
	if int(p.o.Now().Month()) == s.Month {
		p.month.month, p.month.used = p.o.Now().Month(), s.Used
	}
	for _, one := range s.People {
		who := &person{id: one.ID, name: one.Name, picture: one.Picture, friend: one.Friend, blocked: one.Blocked, wrote: one.Wrote, seq: one.Seq, byID: map[string]*note{}}
		for _, n := range one.Log {
			who.log = append(who.log, &n)
			who.byID[n.ID] = &n
		}
		p.add(who)
	}
	return nil
}

// What customers sent as bytes lies beside the state file, a file for each; ids are
// ours, digits only.

func (p *Platform) mediaFile(id string) string {
	for _, c := range id {
		if c < '0' || c > '9' {
			return ""
		}
	}
	if p.o.StateFile == "" || id == "" {
		return ""
	}
	return filepath.Join(p.o.StateFile+".media", id)
}

func (p *Platform) saveMedia(id string, m *media) {
	file := p.mediaFile(id)
	if file == "" {
		return
	}
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		err = os.WriteFile(file, append([]byte(m.mime+"\n"), m.bytes...), 0o600)
	}
	if err != nil {
		p.o.Log.Warn("content not saved", "error", err)
	}
}

func (p *Platform) loadMedia(id string) *media {
	file := p.mediaFile(id)
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	for i, c := range text {
		if c == '\n' {
			return &media{mime: string(text[:i]), bytes: text[i+1:]}
		}
	}
	return &media{mime: http.DetectContentType(text), bytes: text}
}

func (p *Platform) removeMedia(id string) {
	if file := p.mediaFile(id); file != "" {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.o.Log.Warn("content not removed", "error", err)
		}
	}
}
