package webhook

import (
	"fmt"
	"strconv"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

// Document is an event as it leaves the house: the same through webhooks and
// through the API.
type Document struct {
	ID       string            `json:"id" doc:"The event's number. Numbers only grow; resume after the last one you saw." example:"4711"`
	Type     event.Kind        `json:"type" doc:"What happened." example:"message.received"`
	At       time.Time         `json:"at" doc:"When it happened, UTC." example:"2026-11-22T05:00:00Z"`
	Thread   string            `json:"thread,omitempty" example:"thr_06hk2q8s1n7v0000000000000a"`
	Customer string            `json:"customer,omitempty" example:"cus_06hk2q8s1n7v0000000000000b"`
	Counter  string            `json:"counter,omitempty" example:"cnt_06hk2q8s1n7v0000000000000c"`
	By       string            `json:"by,omitempty" doc:"Who caused it: customer, platform, staff/<id>, automation/<name>, a staff id, or token/<id>." example:"customer"`
	Data     map[string]string `json:"data,omitempty" doc:"What else belongs to this type, such as the new status."`
	Message  *Message          `json:"message,omitempty" doc:"The message that it is about, as it is now."`
}

// Message is a message as it leaves the house.
type Message struct {
	ID       string           `json:"id" example:"msg_06hk2q8s1n7v0000000000000d"`
	Thread   string           `json:"thread,omitempty" example:"thr_06hk2q8s1n7v0000000000000a"`
	Customer string           `json:"customer,omitempty" example:"cus_06hk2q8s1n7v0000000000000b"`
	Account  string           `json:"account,omitempty" example:"acc_06hk2q8s1n7v0000000000000e"`
	Author   *Author          `json:"author,omitempty"`
	Type     channel.BodyType `json:"type,omitempty" doc:"text, image, video, audio, file, location, sticker, button, unknown; follow, block, unblock are lines that the system writes." example:"text"`
	Text     string           `json:"text,omitempty" example:"Is the rose cushion in stock?"`
	Data     string           `json:"data,omitempty" doc:"A tapped button's data."`
	Media    *Media           `json:"media,omitempty"`
	Place    *channel.Place   `json:"place,omitempty"`
	Sticker  *channel.Stick   `json:"sticker,omitempty"`
	At       *time.Time       `json:"at,omitempty" doc:"When it was written, by the platform's clock; of a planned one: when it goes." example:"2026-11-22T05:00:00Z"`
	Arrived  *time.Time       `json:"arrived_at,omitempty" doc:"When we learned of it." example:"2026-11-22T05:00:00.12Z"`
	Status   string           `json:"status,omitempty" doc:"received, planned, queued, sent, delivered, read, failed, refused, or unknown: nobody can tell whether it arrived." example:"received"`
	Purpose  string           `json:"purpose,omitempty" doc:"Of what we say: why." example:"service"`
	Kind     string           `json:"kind,omitempty" doc:"Of what we say: as it was given."`
	Failure  string           `json:"failure,omitempty" doc:"Why it failed or was refused, as a code."`
	Unsent   bool             `json:"unsent,omitempty" doc:"The customer took it back, or was erased: its content is gone."`
}

// Author says who wrote a message.
type Author struct {
	Type conversation.Author `json:"type" enum:"customer,staff,automation,system" example:"customer"`
	ID   string              `json:"id,omitempty" doc:"A staff id, or the automation's name."`
	Name string              `json:"name,omitempty" doc:"An advisor's name."`
}

// Media describes the bytes of a message; they are fetched from its content address.
type Media struct {
	State  string `json:"state" doc:"pending: still being fetched from the platform; ready; gone; too_large." example:"ready"`
	Name   string `json:"name,omitempty"`
	MIME   string `json:"mime,omitempty" example:"image/jpeg"`
	Size   int64  `json:"size,omitempty" doc:"Bytes."`
	Millis int64  `json:"duration_ms,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

// NewMessage writes a message as integrators read it.
func NewMessage(m conversation.Message) Message {
	at, arrived := m.At, m.ArrivedAt
	out := Message{
		ID: m.ID, Thread: m.ThreadID, Customer: m.CustomerID, Account: m.AccountID,
		Author: &Author{Type: m.Author, ID: m.AuthorID, Name: m.AuthorName},
		Type:   m.Type, At: &at, Arrived: &arrived, Status: string(m.Status), Purpose: m.Purpose, Kind: m.Kind, Failure: m.Failure, Unsent: m.Unsent,
	}
	if m.Unsent {
		return out
	}
	b := m.Body
	out.Text, out.Data, out.Place, out.Sticker = b.Text, b.Data, b.Place, b.Stick
	if m.MediaState == conversation.MediaNone && b.Media == nil {
		return out
	}
	out.Media = &Media{State: string(m.MediaState)}
	if b.Media != nil {
		out.Media.Name, out.Media.MIME, out.Media.Size = b.Media.Name, b.Media.MIME, b.Media.Size
		out.Media.Millis = b.Media.Duration.Milliseconds()
		out.Media.Width, out.Media.Height = b.Media.Width, b.Media.Height
	}
	return out
}

// Documents writes events as they leave the house. Messages are read now: one
// that was unsent since goes out without its content.
func Documents(tx *db.Tx, desk *conversation.Desk, events []event.Event) ([]Document, error) {
	var ids []string
	for _, e := range events {
		if e.Message != "" {
			ids = append(ids, e.Message)
		}
	}
	messages, err := desk.MessagesByID(tx, ids)
	if err != nil {
		return nil, fmt.Errorf("messages of events: %w", err)
	}
	out := make([]Document, len(events))
	for i, e := range events {
		out[i] = Document{
			ID: strconv.FormatInt(e.Seq, 10), Type: e.Kind, At: e.At, Thread: e.Thread, Customer: e.Customer,
			Counter: e.Counter, By: e.By, Data: e.Data,
		}
		if e.Message == "" {
			continue
		}
		out[i].Message = &Message{ID: e.Message, Unsent: true} // erased with its customer
		if m, ok := messages[e.Message]; ok {
			full := NewMessage(m)
			out[i].Message = &full
		}
	}
	return out, nil
}
