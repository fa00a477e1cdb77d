// Package channel holds the words that all messengers share, and the contract
// an adapter keeps. It knows no platform, no database and no HTTP server; each
// platform lives in a folder of its own below and imports nothing but this.
package channel

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Kind names a messenger.
type Kind string

// The messengers Dingdong speaks today.
const (
	LINE    Kind = "line"
	WebChat Kind = "webchat"
)

// Account is what an adapter needs to know of one of the group's accounts.
// It is handed in with every call: adapters keep no state between calls.
type Account struct {
	ID     string
	Kind   Kind
	Secret string // LINE: channel secret, signs webhooks
	// OldSecret still verifies webhooks beside Secret, for the time of a change; empty: none does.
	OldSecret string
	Token     string // LINE: channel access token
	BotID     string // the account's own id on the platform, once known
	APIBase   string // empty: the platform's real address
	DataBase  string // empty: the platform's real address for content
	// LoginChannel is whom tokens that prove a person are made out to (LINE: the id of
	// the LINE Login channel); empty: none is accepted.
	LoginChannel string
}

// Request is a webhook call as it came in: the raw bytes, because signatures
// are made over them.
type Request struct {
	Header http.Header
	Query  map[string][]string
	Body   []byte
}

// EventKind says what an inbound event is about.
type EventKind string

// What platforms tell us. Anything an adapter does not know is Unsupported and
// is kept, never dropped.
const (
	Message     EventKind = "message"
	Postback    EventKind = "postback" // a tapped button; shown in the thread
	Unsend      EventKind = "unsend"   // ExternalID names the message
	Edit        EventKind = "edit"     // ExternalID names the message, Body is its new content
	Follow      EventKind = "follow"
	Unfollow    EventKind = "unfollow"
	Notice      EventKind = "notice" // known, but nothing to show: beacon, accountLink, membership ...
	Unsupported EventKind = "unsupported"
)

// PeerType tells a person from a group.
type PeerType string

// A conversation partner on a platform.
const (
	Person PeerType = "person"
	Group  PeerType = "group"
	Room   PeerType = "room"
)

// Peer is the other end of an event. ID is the person's, group's or room's id
// on the platform; Sender is who wrote inside a group (may be empty).
type Peer struct {
	Type   PeerType
	ID     string
	Sender string
	Name   string // where the platform's event carries one
}

// Inbound is one event, translated. EventID is never empty: where a platform
// gives none, its adapter derives a stable one from the event itself.
type Inbound struct {
	EventID    string
	Kind       EventKind
	At         time.Time // when it happened, by the platform's clock
	Peer       Peer      // zero when the event names nobody
	ExternalID string    // the platform's id of the message meant
	ReplyToken string    // LINE: answers with it are free
	ReadToken  string    // LINE: marks the message as read
	Standby    bool      // another module holds the chat: show it, do not answer
	Redelivery bool
	Unblocked  bool // Follow after an earlier block
	Body       Body
	Raw        []byte // the platform's own JSON, for Notice and Unsupported only
}

// BodyType says what a message is.
type BodyType string

// The kinds of message that a thread can show.
const (
	Text     BodyType = "text"
	Image    BodyType = "image"
	Video    BodyType = "video"
	Audio    BodyType = "audio"
	File     BodyType = "file"
	Location BodyType = "location"
	Sticker  BodyType = "sticker"
	Button   BodyType = "button" // a postback: Text is its label or data
	Unknown  BodyType = "unknown"
)

// Body is a message's content, the same inward and outward.
type Body struct {
	Type  BodyType `json:"type"`
	Text  string   `json:"text,omitempty"`
	Media *Media   `json:"media,omitempty"`
	Place *Place   `json:"place,omitempty"`
	Stick *Stick   `json:"sticker,omitempty"`

	// QuoteID names the message this one answers: inward the platform's
	// message id; outward the platform's quote token or id.
	QuoteID string `json:"quote,omitempty"`
	// QuoteToken lets a later answer quote this message (LINE).
	QuoteToken string `json:"quote_token,omitempty"`
	// Data is a postback's data, never shown to an advisor as text.
	Data string `json:"data,omitempty"`
	// Choices are offered with a message of ours: what she taps comes back as a Postback
	// with its Data. A platform shows those of the last body of a call only.
	Choices []Choice `json:"choices,omitempty"`
}

// Choice is an answer that she can give with one tap.
type Choice struct {
	Label string `json:"label"` // at most MaxLabel UTF-16 units
	Data  string `json:"data"`  // at most MaxData bytes, ours
}

// Bounds of choices that every platform here keeps.
const (
	MaxChoices = 13
	MaxLabel   = 20
	MaxData    = 300
)

// Media describes bytes. Inward they are fetched later with Fetch; outward URL
// and Preview are public https addresses that the platform can read.
type Media struct {
	Name     string        `json:"name,omitempty"`
	MIME     string        `json:"mime,omitempty"`
	Size     int64         `json:"size,omitempty"`
	Duration time.Duration `json:"duration,omitempty"`
	Width    int           `json:"width,omitempty"`
	Height   int           `json:"height,omitempty"`
	External string        `json:"external,omitempty"` // where a third party holds the bytes; never fetched blindly
	URL      string        `json:"-"`
	Preview  string        `json:"-"`
}

// Place is a point on the map.
type Place struct {
	Title     string  `json:"title,omitempty"`
	Address   string  `json:"address,omitempty"`
	Latitude  float64 `json:"lat"`
	Longitude float64 `json:"lng"`
}

// Stick is a sticker of a platform's own set.
type Stick struct {
	PackageID string   `json:"package"`
	StickerID string   `json:"id"`
	Animated  bool     `json:"animated,omitempty"`
	Keywords  []string `json:"keywords,omitempty"`
}

// Outbound is one call to a platform: up to Limits.Bubbles bodies to one
// person. RetryKey is a UUID that stays the same over all attempts.
type Outbound struct {
	To         string
	Bodies     []Body
	RetryKey   string
	ReplyToken string // set: answer with it, freely, instead of pushing
}

// Receipt is what a platform says of a call it accepted.
type Receipt struct {
	ExternalIDs []string // one per body, where the platform tells
	QuoteTokens []string
	RequestID   string
	Repeated    bool // the platform had accepted this RetryKey before
}

// Adapter is what every messenger must do. Receive is pure: it verifies the
// signature over the raw bytes, then translates; it never waits and never
// fails a whole body for one odd event. Errors are *Error.
type Adapter interface {
	Receive(Account, Request) ([]Inbound, error)
	Send(context.Context, Account, Outbound) (Receipt, error)
	Limits() Limits
}

// Limits are a platform's bounds that the house must know before it sends.
type Limits struct {
	Bubbles    int           // bodies in one call
	TextUnits  int           // UTF-16 units in one text
	ReplyLives time.Duration // how long a reply token is good for
	Idempotent bool          // the platform honours RetryKey (on pushes)
}

// What follows is optional; the house asks with a type assertion.

// Profiler tells a person's public name and picture.
type Profiler interface {
	Profile(context.Context, Account, Peer) (Profile, error)
}

// Profile is what a platform tells of a person.
type Profile struct {
	Name     string
	Picture  string // an address
	Language string
}

// Portrayer streams the picture that a profile named. The address comes from outside:
// only what is certainly the platform's own, or the stand-in's in its place, is asked.
// ErrGone says that there is none to be had there.
type Portrayer interface {
	Portrait(ctx context.Context, a Account, address string) (io.ReadCloser, error)
}

// Verifier proves who somebody is by a token of the platform that her browser hands us.
// What is wrong with a token, or with the account's set-up, is an *Error.
type Verifier interface {
	Verify(ctx context.Context, a Account, idToken string) (Peer, error)
}

// Fetcher streams the bytes of an inbound message. ErrNotReady asks to come
// again later; ErrGone says they will never come.
type Fetcher interface {
	Fetch(ctx context.Context, a Account, externalID string, b BodyType) (io.ReadCloser, Media, error)
}

// Reader tells the platform that a message was read.
type Reader interface {
	MarkRead(ctx context.Context, a Account, readToken string) error
}

// Typer shows the customer that an answer is being prepared.
type Typer interface {
	Typing(ctx context.Context, a Account, to string, d time.Duration) error
}

// Checker tells, in codes the console turns into words, what is wrong with an
// account's set-up. webhook is the address that the platform should call.
type Checker interface {
	Check(ctx context.Context, a Account, webhook string) ([]Finding, AccountInfo, error)
}

// Finding is one thing a check found. Code is a key of the locale files below
// "check."; Detail is the platform's own words.
type Finding struct {
	OK     bool
	Code   string
	Detail string
}

// AccountInfo is what a platform tells of our own account.
type AccountInfo struct {
	BotID   string
	Name    string
	BasicID string // LINE: @id
	Picture string
}

// Quoter tells how many messages may still be sent this month.
type Quoter interface {
	Quota(context.Context, Account) (Quota, error)
}

// Quota is a monthly allowance. Limited false means no end.
type Quota struct {
	Limited bool
	Limit   int
	Used    int
}
