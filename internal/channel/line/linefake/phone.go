package linefake

import (
	"bytes"
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed phone
var pages embed.FS

// maxMedia is what a phone may send at once.
const maxMedia = 20 << 20

// phone serves the page that plays a customer's phone, and what it calls.
func (p *Platform) phone() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /phone/api/account", p.phoneAccount)
	mux.HandleFunc("GET /phone/api/people", p.phonePeople)
	mux.HandleFunc("POST /phone/api/people", p.phoneAdd)
	for verb, act := range map[string]func(string) Posted{"follow": p.Follow, "block": p.Block, "unblock": p.Unblock} {
		mux.HandleFunc("POST /phone/api/people/{id}/"+verb, p.of(func(w http.ResponseWriter, _ *http.Request, who *person) {
			act(who.id)
			show(w, who.public())
		}))
	}
	mux.HandleFunc("GET /phone/api/people/{id}/messages", p.of(p.phoneMessages))
	mux.HandleFunc("POST /phone/api/people/{id}/messages", p.of(p.phoneSay))
	mux.HandleFunc("POST /phone/api/people/{id}/media", p.of(p.phoneMedia))
	mux.HandleFunc("POST /phone/api/people/{id}/messages/{message}/unsend", p.of(p.phoneUnsend))
	mux.HandleFunc("POST /phone/api/people/{id}/postback", p.of(p.phonePostback))
	mux.HandleFunc("GET /phone/api/people/{id}/stream", p.of(p.phoneStream))
	mux.HandleFunc("POST /phone/api/people/{id}/token", p.of(p.phoneToken))
	mux.HandleFunc("GET /phone/api/cards", p.phoneCards)
	mux.HandleFunc("GET /phone/media/{message}", p.phoneBytes)
	page, err := fs.Sub(pages, "phone")
	if err != nil {
		panic(err) // only for a name that is no path
	}
	mux.Handle("GET /phone/", http.StripPrefix("/phone/", http.FileServerFS(page)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' blob: data: http: https:; media-src 'self' blob: http: https:; style-src 'self' 'unsafe-inline'; frame-src http: https:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'")
		mux.ServeHTTP(w, r)
	})
}

func (p *Platform) of(serve func(http.ResponseWriter, *http.Request, *person)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := p.find(r.PathValue("id"))
		if who == nil {
			http.Error(w, "nobody of that id", http.StatusNotFound)
			return
		}
		serve(w, r, who)
	}
}

func show(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v)
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 256<<10)).Decode(into); err != nil {
		http.Error(w, "the body is not the JSON expected", http.StatusBadRequest)
		return false
	}
	return true
}

func (p *Platform) phoneAccount(w http.ResponseWriter, _ *http.Request) {
	show(w, map[string]string{"name": p.o.Name, "basicId": p.o.BasicID, "picture": p.o.Picture, "liffId": p.o.LIFF.ID, "liffPage": p.o.LIFF.Page})
}

type publicPerson struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Picture string `json:"picture"`
	Friend  bool   `json:"friend"`
	Blocked bool   `json:"blocked"`
}

func (who *person) public() publicPerson {
	who.mu.Lock()
	defer who.mu.Unlock()
	return publicPerson{ID: who.id, Name: who.name, Picture: who.picture, Friend: who.friend, Blocked: who.blocked}
}

func (p *Platform) phonePeople(w http.ResponseWriter, _ *http.Request) {
	p.mu.RLock()
	order := append([]*person(nil), p.order...)
	p.mu.RUnlock()
	out := make([]publicPerson, 0, len(order))
	for _, who := range order {
		one := who.public()
		one.Picture = p.portrait(who)
		out = append(out, one)
	}
	show(w, out)
}

func (p *Platform) phoneAdd(w http.ResponseWriter, r *http.Request) {
	var c struct{ Name string }
	if !read(w, r, &c) {
		return
	}
	name := strings.TrimSpace(c.Name)
	if name == "" || len(name) > 200 {
		http.Error(w, "a name, please", http.StatusBadRequest)
		return
	}
	show(w, map[string]string{"id": p.Person("", name)})
}

func (p *Platform) phoneSay(w http.ResponseWriter, r *http.Request, who *person) {
	var c struct {
		Type, Text, PackageID, StickerID, Quoted, Title, Address string
		Latitude, Longitude                                      float64
	}
	if !read(w, r, &c) {
		return
	}
	switch {
	case c.Type == "text" && c.Text != "":
		posted(w, p.Quote(who.id, c.Text, c.Quoted))
	case c.Type == "sticker" && c.PackageID != "" && c.StickerID != "":
		posted(w, p.Sticker(who.id, c.PackageID, c.StickerID))
	case c.Type == "location":
		posted(w, p.Location(who.id, Place{c.Title, c.Address, c.Latitude, c.Longitude}))
	default:
		http.Error(w, "nothing that can be sent", http.StatusBadRequest)
	}
}

// posted answers with the message's id; LINE does not let one write to an account
// that one has blocked.
func posted(w http.ResponseWriter, done Posted) {
	if done.EventID == "" {
		http.Error(w, "not possible now", http.StatusConflict)
		return
	}
	show(w, map[string]string{"id": done.MessageID})
}

func (p *Platform) phoneMedia(w http.ResponseWriter, r *http.Request, who *person) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMedia))
	if err != nil || len(data) == 0 {
		http.Error(w, "1 byte to 20 MB, please", http.StatusRequestEntityTooLarge)
		return
	}
	q := r.URL.Query()
	ms, _ := strconv.ParseInt(q.Get("duration"), 10, 32) // absent or odd: unknown
	f := File{Name: q.Get("name"), Bytes: data, Duration: time.Duration(max(ms, 0)) * time.Millisecond}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind != "application/octet-stream" {
		f.MIME = kind
	}
	switch kind := q.Get("type"); kind {
	case "image", "audio", "video", "file":
		posted(w, p.sendFile(who.id, kind, f))
	default:
		http.Error(w, "type is image, audio, video or file", http.StatusBadRequest)
	}
}

func (p *Platform) phoneUnsend(w http.ResponseWriter, r *http.Request, who *person) {
	posted(w, p.Unsend(who.id, r.PathValue("message")))
}

func (p *Platform) phonePostback(w http.ResponseWriter, r *http.Request, who *person) {
	var c struct{ Data, Label string }
	if read(w, r, &c) {
		posted(w, p.Postback(who.id, c.Data, c.Label))
	}
}

// phoneBytes shows what a phone sent or, if it is nothing a page plays, saves it.
func (p *Platform) phoneBytes(w http.ResponseWriter, r *http.Request) {
	m := p.mediaOf(r.PathValue("message"))
	if m == nil || m.gone {
		http.NotFound(w, r)
		return
	}
	major, minor, _ := strings.Cut(m.mime, "/")
	if major != "audio" && major != "video" && (major != "image" || strings.HasPrefix(minor, "svg")) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", "attachment")
	} else {
		w.Header().Set("Content-Type", m.mime)
	}
	w.Header().Set("Cache-Control", "private, max-age=3600")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.bytes))
}

// bubble is a message as the phone page draws it. Media addresses are relative to
// the page.
type bubble struct {
	ID        string    `json:"id"`
	From      string    `json:"from"`
	Type      string    `json:"type"`
	Text      string    `json:"text,omitempty"`
	URL       string    `json:"url,omitempty"`
	PackageID string    `json:"packageId,omitempty"`
	StickerID string    `json:"stickerId,omitempty"`
	Duration  int64     `json:"duration,omitempty"`
	Name      string    `json:"name,omitempty"`
	Address   string    `json:"address,omitempty"`
	Latitude  float64   `json:"latitude,omitempty"`
	Longitude float64   `json:"longitude,omitempty"`
	At        time.Time `json:"at"`
	Unsent    bool      `json:"unsent"`
	Read      bool      `json:"read"`
	Quoted    *string   `json:"quoted"` // the id of the message quoted
	Links     []string  `json:"links"`
	Choices   []Choice  `json:"choices,omitempty"`
}

// bubbleOf draws a line of the chat; hold mu.
func (p *Platform) bubbleOf(n *note) bubble {
	b := bubble{ID: n.ID, From: "account", Type: n.Type, Text: n.Text, URL: n.URL, PackageID: n.PackageID, StickerID: n.StickerID,
		Duration: n.Duration, Name: n.Name, Address: n.Address, Latitude: n.Latitude, Longitude: n.Longitude,
		At: n.At.UTC(), Unsent: n.Unsent, Read: n.Read, Links: []string{}, Choices: n.Choices}
	if n.Mine {
		b.From = "me"
		switch n.Type {
		case "image", "video", "audio", "file":
			if !n.Unsent {
				b.URL = "media/" + n.ID
			}
		}
	}
	if n.Quoted != "" {
		b.Quoted = &n.Quoted
	}
	if strings.Contains(n.Text, "://") {
		b.Links = append(b.Links, link.FindAllString(n.Text, 20)...)
	}
	return b
}

var link = regexp.MustCompile(`https?://[^\s<>"'）。，]+`)

func (p *Platform) phoneMessages(w http.ResponseWriter, _ *http.Request, who *person) {
	who.mu.Lock()
	out := make([]bubble, 0, min(len(who.log), maxSignals))
	for _, n := range who.log[max(0, len(who.log)-maxSignals):] {
		out = append(out, p.bubbleOf(n))
	}
	who.mu.Unlock()
	show(w, out)
}
