package linefake

import "time"

// Past is a person's chat from before the platform started: a demonstration's
// history.
type Past struct {
	User, Name string
	Blocked    bool
	Lines      []Line
}

// Line is one message of a past, with the id under which the account knows it.
type Line struct {
	ID                   string
	Mine                 bool   // the customer's
	Type, Text, URL      string // URL: a picture of the account's
	PackageID, StickerID string
	Place                Place
	File                 File // a picture of hers
	At                   time.Time
	Unsent, Read         bool
}

// Remember gives a person her past and makes her the account's friend, without
// telling anybody. What she has already is left as it is.
func (p *Platform) Remember(past Past) {
	who := p.find(p.Person(past.User, past.Name))
	for _, l := range past.Lines {
		if l.File.Bytes != nil && !l.Unsent {
			p.keepMedia(l.ID, l.File)
		}
	}
	who.mu.Lock()
	defer who.mu.Unlock()
	who.friend, who.blocked = true, past.Blocked
	for _, l := range past.Lines {
		if who.byID[l.ID] != nil {
			continue
		}
		n := note{ID: l.ID, Mine: l.Mine, Type: l.Type, At: l.At, Unsent: l.Unsent, Read: l.Read}
		if !l.Unsent {
			n.Text, n.URL, n.PackageID, n.StickerID, n.Name = l.Text, l.URL, l.PackageID, l.StickerID, l.File.Name
			if l.Type == "location" {
				n.Text, n.Address, n.Latitude, n.Longitude = l.Place.Title, l.Place.Address, l.Place.Latitude, l.Place.Longitude
			}
		}
		who.keep(&n, p.o.Keep)
		if l.Mine && l.At.After(who.wrote) {
			who.wrote = l.At
		}
	}
	p.dirty.Store(true)
}
