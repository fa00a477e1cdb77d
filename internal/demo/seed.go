package demo

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const zoneName = "Asia/Taipei"

// Places says where the demonstration's servers are reached.
type Places struct {
	PhoneURL string // the stand-in for LINE; each account is a folder below it
	ShopURL  string // the shop whose page has the chat on it
}

// Seeded is what Seed made. Fresh is false when the database had people already
// and nothing was done.
type Seeded struct {
	Fresh                              bool
	Stores, Counters, Staff, Customers int
	Receipts                           int
	Pasts                              map[string][]linefake.Past // by account key: what the phones remember
}

// seeder carries what the steps of Seed share.
type seeder struct {
	desk  *conversation.Desk
	shop  *catalogue.Shop
	o     Places
	now   time.Time
	zone  *time.Location
	group group
	made  Seeded
	cards map[cardKey]string
	items map[string]item  // by SKU
	known map[string]known // by personKey
	order []string         // of known
}

// Seed fills an empty database with a store group, its people and some forty
// customers with two weeks of conversations and a year of receipts. A database that
// is not empty is left alone.
func Seed(ctx context.Context, desk *conversation.Desk, o Places) (Seeded, error) {
	s := &seeder{desk: desk, o: o, known: map[string]known{}, cards: map[cardKey]string{},
		shop: &catalogue.Shop{DB: desk.DB, Vault: desk.Vault, Book: desk.Book, Blobs: desk.Blobs}}
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return s.made, fmt.Errorf("time zone: %w", err)
	}
	s.zone = zone
	empty := false
	err = desk.DB.Write(ctx, func(tx *db.Tx) error {
		s.now = tx.Now
		var err error
		if empty, err = staff.NeedsFirst(tx); err != nil || !empty {
			return err
		}
		if s.group, err = s.open(tx); err != nil {
			return err
		}
		// The customers of the stories were greeted long ago: they are not asked today.
		if _, err = desk.SaveChatRules(tx, staff.System(), conversation.ChatRules{NoGreeting: true}); err != nil {
			return err
		}
		return s.stock(tx)
	})
	if err != nil {
		return s.made, fmt.Errorf("store group: %w", err)
	}
	if !empty {
		return s.made, nil
	}
	s.made = Seeded{Fresh: true, Stores: len(stores), Counters: len(counters), Staff: len(people), Pasts: map[string][]linefake.Past{}}
	stories, err := readStories(storyText, s.now, zone)
	if err != nil {
		return s.made, err
	}
	for _, one := range stories {
		if err := s.tell(ctx, one); err != nil {
			return s.made, fmt.Errorf("story of %q: %w", one.name, err)
		}
		s.made.Customers++
	}
	err = desk.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.learn(tx); err != nil {
			return err
		}
		if _, err := desk.SaveChatRules(tx, staff.System(), conversation.ChatRules{}); err != nil {
			return err
		}
		return s.leave(tx)
	})
	if err != nil {
		return s.made, fmt.Errorf("what is known: %w", err)
	}
	return s.made, s.watch(ctx)
}

// telling is one story on its way into the database.
type telling struct {
	*seeder
	story
	account  conversation.Account
	user     string
	thread   string
	customer string
	past     linefake.Past
	pictures map[int]picture
}

// picture is one of a story's pictures, by the number of its line.
type picture struct {
	jpeg   []byte
	upload conversation.Upload
}

func (s *seeder) tell(ctx context.Context, one story) error {
	t := &telling{seeder: s, story: one, account: s.group.accounts[one.account], user: lineUser(one), pictures: map[int]picture{}}
	if t.account.ID == "" || (one.advisor != "-" && s.group.people[one.advisor] == "") {
		return fmt.Errorf("account %q or advisor %q is unknown", one.account, one.advisor)
	}
	if t.account.Kind == channel.WebChat {
		t.user = visitorUser(one)
	}
	t.past = linefake.Past{User: t.user, Name: one.name}
	if err := t.meet(ctx); err != nil {
		return err
	}
	s.meetings(t, t.customer)
	if err := t.draw(ctx); err != nil {
		return err
	}
	err := s.desk.DB.Write(ctx, func(tx *db.Tx) error {
		t.past.Lines = nil
		for n, l := range t.lines {
			if err := t.say(tx, n, l); err != nil {
				return fmt.Errorf("line %d: %w", n+1, err)
			}
		}
		return t.hand(tx)
	})
	if err != nil {
		return err
	}
	read := false // whoever answered has read what stands above
	for i := len(t.past.Lines) - 1; i >= 0; i-- {
		read = read || !t.past.Lines[i].Mine
		t.past.Lines[i].Read = read && t.past.Lines[i].Mine
	}
	if t.account.Kind == channel.LINE {
		s.made.Pasts[one.account] = append(s.made.Pasts[one.account], t.past)
	}
	return nil
}

// meet lets the customer add the account as a friend some days before she writes,
// or a visitor write her first line, so that there is a thread.
func (t *telling) meet(ctx context.Context) error {
	first := t.lines[0]
	in := t.inbound(0, first)
	if t.account.Kind == channel.LINE {
		in.Kind, in.EventID, in.ExternalID = channel.Follow, t.eventID(-1), ""
		in.At = first.at.Add(-time.Duration(1+number(t.user)%90) * time.Hour)
		in.Body = channel.Body{}
	}
	return t.desk.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := t.desk.Receive(tx, t.account, []channel.Inbound{in}); err != nil {
			return err
		}
		thread, err := t.desk.ThreadWith(tx, staff.System(), t.account, t.user)
		t.thread, t.customer = thread.ID, thread.CustomerID
		return err
	})
}

// draw makes the pictures and stores their bytes, which cannot wait for a
// transaction.
func (t *telling) draw(ctx context.Context) error {
	for n, l := range t.lines {
		if l.kind != "swatch" {
			continue
		}
		data, err := swatch(l.text)
		if err != nil {
			return err
		}
		up, err := t.desk.KeepPast(ctx, conversation.PastFile{ThreadID: t.thread, Name: "swatch.jpg", From: bytes.NewReader(data)})
		if err != nil {
			return fmt.Errorf("picture: %w", err)
		}
		t.pictures[n] = picture{data, up}
	}
	return nil
}

func (t *telling) eventID(n int) string { return "demo-" + t.user + "-" + strconv.Itoa(n) }

// externalID looks like LINE's: digits that grow with time.
func (t *telling) externalID(n int, at time.Time) string {
	return strconv.FormatInt(at.UnixMilli()*100000+int64(number(t.user)%1000)*100+int64(n), 10)
}

func number(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

func (t *telling) inbound(n int, l line) channel.Inbound {
	in := channel.Inbound{
		EventID: t.eventID(n), Kind: channel.Message, At: l.at, ExternalID: t.externalID(n, l.at),
		Peer: channel.Peer{Type: channel.Person, ID: t.user, Name: t.name}, Body: bodyOf(l),
	}
	if t.account.Kind == channel.WebChat {
		in.ExternalID = ""
	}
	return in
}

// stickers are those that the stand-in's phone can draw, by what they say.
const stickerPackage = "11537"

var stickers = map[string]string{
	"嗨": "52002734", "愛心": "52002735", "喜歡": "52002736", "開心": "52002737", "難過": "52002738", "謝謝": "52002739",
	"好的": "52002740", "晚安": "52002741",
}

func bodyOf(l line) channel.Body {
	switch l.kind {
	case "sticker":
		return channel.Body{Type: channel.Sticker, Stick: &channel.Stick{PackageID: stickerPackage, StickerID: stickers[l.text], Keywords: []string{l.text}}}
	case "place":
		f := append(strings.Split(l.text, "|"), "", "", "", "")
		lat, _ := strconv.ParseFloat(f[2], 64) // a test reads every story
		lng, _ := strconv.ParseFloat(f[3], 64)
		return channel.Body{Type: channel.Location, Place: &channel.Place{Title: f[0], Address: f[1], Latitude: lat, Longitude: lng}}
	case "swatch":
		return channel.Body{Type: channel.Image}
	}
	return channel.Body{Type: channel.Text, Text: l.text}
}

// say puts one line where it belongs.
func (t *telling) say(tx *db.Tx, n int, l line) error {
	switch {
	case l.by == '!':
		return t.act(tx, l)
	case l.by != '>' || l.kind == "swatch":
		return t.bring(tx, n, l)
	}
	in := t.inbound(n, l)
	events := []channel.Inbound{in}
	switch l.kind {
	case "block":
		events[0].Kind, events[0].Body, events[0].ExternalID = channel.Unfollow, channel.Body{}, ""
		t.past.Blocked = true
	case "unsend":
		taken := in
		taken.Kind, taken.EventID, taken.Body, taken.At = channel.Unsend, in.EventID+"-unsend", channel.Body{}, l.at.Add(9*time.Second)
		events = append(events, taken)
	}
	if _, err := t.desk.Receive(tx, t.account, events); err != nil {
		return err
	}
	if l.kind != "block" {
		t.remember(line{by: l.by, kind: l.kind, text: l.text, at: l.at}, in.ExternalID, in.Body, "")
	}
	return nil
}

// bring imports what no platform tells any more: what was answered, and pictures.
func (t *telling) bring(tx *db.Tx, n int, l line) error {
	p := conversation.Past{
		ThreadID: t.thread, Author: conversation.AuthorStaff, AuthorID: t.group.people[t.advisor], At: l.at, Body: bodyOf(l),
		Upload: t.pictures[n].upload, EventID: t.eventID(n), ExternalID: t.externalID(n, l.at),
	}
	switch l.by {
	case '>':
		p.Author, p.AuthorID = conversation.AuthorCustomer, ""
	case '*':
		p.Author, p.AuthorID = conversation.AuthorAutomation, "回購關懷"
	}
	if err := t.desk.Import(tx, p); err != nil {
		return err
	}
	address := ""
	if id := p.Upload.MessageID; id != "" && l.by != '>' {
		found, err := t.desk.MessagesByID(tx, []string{id})
		if err != nil {
			return err
		}
		address = t.desk.MediaLink(found[id], false)
	}
	t.remember(l, p.ExternalID, p.Body, address)
	if l.by == '>' && p.Upload.Blob != "" {
		last := &t.past.Lines[len(t.past.Lines)-1]
		last.File = linefake.File{Name: "swatch.jpg", MIME: "image/jpeg", Bytes: t.pictures[n].jpeg}
	}
	return nil
}

// remember keeps a line for the phone.
func (t *telling) remember(l line, id string, b channel.Body, address string) {
	out := linefake.Line{ID: id, Mine: l.by == '>', Type: string(b.Type), Text: b.Text, URL: address, At: l.at, Unsent: l.kind == "unsend"}
	if b.Stick != nil {
		out.PackageID, out.StickerID = b.Stick.PackageID, b.Stick.StickerID
	}
	if b.Place != nil {
		out.Place = linefake.Place{Title: b.Place.Title, Address: b.Place.Address, Latitude: b.Place.Latitude, Longitude: b.Place.Longitude}
	}
	t.past.Lines = append(t.past.Lines, out)
}

func (t *telling) act(tx *db.Tx, l line) error {
	a := conversation.PastAct{ThreadID: t.thread, By: t.group.people[t.advisor], At: l.at}
	switch l.kind {
	case "close":
		a.Act = conversation.ActClosed
	case "transfer":
		to, note, _ := strings.Cut(l.text, " ")
		a.Act, a.To, a.Note = conversation.ActTransferred, t.group.people[to], note
		if a.To == "" {
			return fmt.Errorf("advisor %q is unknown", to)
		}
	default:
		return fmt.Errorf("act %q is unknown", l.kind)
	}
	return t.desk.ImportAct(tx, a)
}

// hand gives a thread that waits for its first answer to whom it belongs.
func (t *telling) hand(tx *db.Tx) error {
	if t.advisor == "-" {
		return nil
	}
	thread, err := t.desk.ThreadWith(tx, staff.System(), t.account, t.user)
	if err != nil || thread.AssigneeID != "" {
		return err
	}
	at := t.lines[len(t.lines)-1].at
	return t.desk.ImportAct(tx, conversation.PastAct{ThreadID: t.thread, By: t.group.people[t.advisor], Act: conversation.ActTaken, At: at})
}
