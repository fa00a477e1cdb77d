package linefake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// Event is a webhook event as LINE writes it.
type Event struct {
	Type            string          `json:"type"`
	Message         any             `json:"message,omitempty"`
	Unsend          any             `json:"unsend,omitempty"`
	Follow          any             `json:"follow,omitempty"`
	Postback        any             `json:"postback,omitempty"`
	WebhookEventID  string          `json:"webhookEventId"`
	DeliveryContext DeliveryContext `json:"deliveryContext"`
	Timestamp       int64           `json:"timestamp"`
	Source          *Source         `json:"source,omitempty"`
	ReplyToken      string          `json:"replyToken,omitempty"`
	Mode            string          `json:"mode"`
}

// DeliveryContext tells a redelivered event from a first one.
type DeliveryContext struct {
	IsRedelivery bool `json:"isRedelivery"`
}

// Source names who caused an event.
type Source struct {
	Type    string `json:"type"`
	GroupID string `json:"groupId,omitempty"`
	RoomID  string `json:"roomId,omitempty"`
	UserID  string `json:"userId,omitempty"`
}

// Meta is what all events share. EventID and MessageID are made up where a test
// gives none, so that every event is a new one.
type Meta struct {
	EventID    string
	User       string
	Group      string // the event comes from this group
	MessageID  string
	ReplyToken string
	QuoteToken string
	ReadToken  string
	QuotedID   string
	At         time.Time
	Redelivery bool
	Standby    bool
}

func (m Meta) event(kind string) Event {
	e := Event{Type: kind, WebhookEventID: m.EventID, Timestamp: m.At.UnixMilli(), Mode: "active",
		ReplyToken: m.ReplyToken, DeliveryContext: DeliveryContext{m.Redelivery}, Source: &Source{Type: "user", UserID: m.User}}
	if e.WebhookEventID == "" {
		e.WebhookEventID = NewEventID(m.At)
	}
	if m.Group != "" {
		e.Source = &Source{Type: "group", GroupID: m.Group, UserID: m.User}
	}
	if m.Standby {
		e.Mode, e.ReplyToken = "standby", ""
	}
	return e
}

// content is a message object of a webhook.
type content struct {
	Type                string    `json:"type"`
	ID                  string    `json:"id"`
	QuoteToken          string    `json:"quoteToken,omitempty"`
	MarkAsReadToken     string    `json:"markAsReadToken,omitempty"`
	QuotedMessageID     string    `json:"quotedMessageId,omitempty"`
	Text                *string   `json:"text,omitempty"`
	ContentProvider     *provider `json:"contentProvider,omitempty"`
	Duration            int64     `json:"duration,omitempty"`
	FileName            string    `json:"fileName,omitempty"`
	FileSize            int       `json:"fileSize,omitempty"`
	Title               string    `json:"title,omitempty"`
	Address             string    `json:"address,omitempty"`
	Latitude            *float64  `json:"latitude,omitempty"`
	Longitude           *float64  `json:"longitude,omitempty"`
	PackageID           string    `json:"packageId,omitempty"`
	StickerID           string    `json:"stickerId,omitempty"`
	StickerResourceType string    `json:"stickerResourceType,omitempty"`
	Keywords            []string  `json:"keywords,omitempty"`
}

type provider struct {
	Type string `json:"type"`
}

// message completes a message event; only some types can be quoted.
func (m Meta) message(c content) Event {
	e := m.event("message")
	if c.ID = m.MessageID; c.ID == "" {
		c.ID = "6" + e.WebhookEventID[len(e.WebhookEventID)-12:]
	}
	switch c.Type {
	case "text", "image", "video", "sticker":
		c.QuoteToken = m.QuoteToken
	}
	c.MarkAsReadToken, c.QuotedMessageID = m.ReadToken, m.QuotedID
	e.Message = c
	return e
}

// TextEvent is a customer's text.
func TextEvent(m Meta, text string) Event { return m.message(content{Type: "text", Text: &text}) }

// StickerEvent is a customer's sticker.
func StickerEvent(m Meta, packageID, stickerID string) Event {
	return m.message(content{Type: "sticker", PackageID: packageID, StickerID: stickerID, StickerResourceType: "STATIC", Keywords: []string{"hello", "smile"}})
}

// MediaEvent is a customer's picture, film or voice note: kind is image, video or
// audio.
func MediaEvent(m Meta, kind string, length time.Duration) Event {
	return m.message(content{Type: kind, Duration: length.Milliseconds(), ContentProvider: &provider{"line"}})
}

// FileEvent is a customer's file.
func FileEvent(m Meta, name string, size int) Event {
	return m.message(content{Type: "file", FileName: name, FileSize: size})
}

// LocationEvent is a place that a customer sends.
func LocationEvent(m Meta, at Place) Event {
	return m.message(content{Type: "location", Title: at.Title, Address: at.Address, Latitude: &at.Latitude, Longitude: &at.Longitude})
}

// Place is a point on the map.
type Place struct {
	Title, Address      string
	Latitude, Longitude float64
}

// UnsendEvent takes the message of m.MessageID back.
func UnsendEvent(m Meta) Event {
	e := m.event("unsend")
	e.Unsend = map[string]string{"messageId": m.MessageID}
	return e
}

// FollowEvent adds the account as a friend, or unblocks it.
func FollowEvent(m Meta, unblocked bool) Event {
	e := m.event("follow")
	e.Follow = map[string]bool{"isUnblocked": unblocked}
	return e
}

// UnfollowEvent blocks the account.
func UnfollowEvent(m Meta) Event { return m.event("unfollow") }

// PostbackEvent taps a button.
func PostbackEvent(m Meta, data string) Event {
	e := m.event("postback")
	e.Postback = map[string]string{"data": data}
	return e
}

// Body makes a webhook's body of events.
func Body(botID string, events ...Event) []byte {
	if events == nil {
		events = []Event{}
	}
	body, err := json.Marshal(struct {
		Destination string  `json:"destination"`
		Events      []Event `json:"events"`
	}{botID, events})
	if err != nil {
		// Events hold nothing that JSON cannot: only a test's own Message could.
		panic("linefake: an event that is no JSON: " + err.Error())
	}
	return body
}

// Sign makes the x-line-signature of a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
