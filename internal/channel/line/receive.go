package line

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dingdong/internal/channel"
)

// Receive verifies the signature over the raw bytes, then translates every event
// of the body, in its order. Only a wrong signature or a body that is no webhook
// at all fails; an odd event comes out as Unsupported with its raw JSON. An event
// whose time is missing or absurd takes the time inside its ULID; At is zero only
// if it has neither.
func (*Adapter) Receive(a channel.Account, r channel.Request) ([]channel.Inbound, error) {
	if !signed(a.Secret, r.Header, r.Body) && !signed(a.OldSecret, r.Header, r.Body) {
		return nil, channel.ErrSignature
	}
	s := scanner{data: r.Body}
	in := []channel.Inbound{}
	if s.next() != '{' {
		return nil, channel.ErrMalformed
	}
	s.object(func(key []byte) {
		if string(key) != "events" {
			s.skip()
			return
		}
		s.mismatch = false
		s.array(func() { in = append(in, s.inbound()) })
		if s.mismatch && len(in) == 0 {
			s.fail() // something else than a list
		}
	})
	if !s.ended() {
		return nil, channel.ErrMalformed
	}
	return in, nil
}

// inbound reads and translates one event, and keeps its JSON where that is all we
// have of it.
func (s *scanner) inbound() channel.Inbound {
	var e event
	s.next()
	start := s.at
	ok := s.event(&e)
	s.mismatch = false
	if s.broken {
		return channel.Inbound{}
	}
	raw := s.data[start:s.at]
	one := envelope(&e)
	if ok {
		translate(&e, &one)
	}
	if one.EventID == "" {
		one.EventID = derivedID(raw)
	}
	if one.Kind == channel.Notice || one.Kind == channel.Unsupported {
		one.Raw = cleanBytes(raw)
	}
	return one
}

// envelope takes what all events share; the kind is Unsupported until translate
// finds a better one.
func envelope(e *event) channel.Inbound {
	return channel.Inbound{
		EventID:    eventID(e.id),
		Kind:       channel.Unsupported,
		At:         eventTime(e),
		Peer:       peerOf(&e.source),
		ReplyToken: e.replyToken,
		Standby:    e.mode == "standby",
		Redelivery: e.redelivery,
	}
}

// translate puts an event into the house's words. An event that names nobody, or
// not the message it is about, stays Unsupported.
func translate(e *event, in *channel.Inbound) {
	if isNotice(e.kind) {
		in.Kind = channel.Notice
		return
	}
	if in.Peer.ID == "" {
		return
	}
	switch {
	case e.kind == "message" && e.hasMessage:
		in.Kind, in.ExternalID, in.Body = channel.Message, e.message.id, bodyOf(&e.message)
		in.ReadToken = e.message.readToken
	case e.kind == "messageEdited" && e.message.id != "":
		in.Kind, in.ExternalID, in.Body = channel.Edit, e.message.id, bodyOf(&e.message)
	case e.kind == "unsend" && e.unsent != "":
		in.Kind, in.ExternalID = channel.Unsend, e.unsent
	case e.kind == "follow":
		in.Kind, in.Unblocked = channel.Follow, e.unblocked
	case e.kind == "unfollow":
		in.Kind = channel.Unfollow
	case e.kind == "postback" && e.hasPostback:
		// LINE does not tell the button's label.
		in.Kind, in.Body = channel.Postback, channel.Body{Type: channel.Button, Data: postbackData(e)}
	}
}

func peerOf(s *source) channel.Peer {
	switch {
	case s.kind == "user" && s.user != "":
		return channel.Peer{Type: channel.Person, ID: s.user}
	case s.kind == "group" && s.group != "":
		return channel.Peer{Type: channel.Group, ID: s.group, Sender: s.user}
	case s.kind == "room" && s.room != "":
		return channel.Peer{Type: channel.Room, ID: s.room, Sender: s.user}
	}
	return channel.Peer{}
}

// eventID refuses ids that no index should hold; one is then derived.
func eventID(id string) string {
	if len(id) > 128 {
		return ""
	}
	return id
}

// derivedID stays the same over redeliveries: the one property by which a
// redelivered event differs is left out of the hash.
func derivedID(raw []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) == nil && fields != nil {
		delete(fields, "deliveryContext")
		if canonical, err := json.Marshal(fields); err == nil {
			raw = canonical
		}
	}
	sum := sha256.Sum256(raw)
	return "sha256-" + hex.EncodeToString(sum[:16])
}

// lastMilli is the year 2100: a time beyond it is damage, and would overflow where
// times are kept in microseconds.
const lastMilli = 4102444800000

func eventTime(e *event) time.Time {
	if e.timestamp > 0 && e.timestamp < lastMilli {
		return time.UnixMilli(e.timestamp).UTC()
	}
	return ulidTime(e.id)
}

// ulidTime reads the milliseconds in a ULID's first ten characters (Crockford's
// base 32); zero if it is none.
func ulidTime(id string) time.Time {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	if len(id) != 26 {
		return time.Time{}
	}
	var ms int64
	for i := range 10 {
		d := strings.IndexByte(digits, id[i])
		if d < 0 {
			return time.Time{}
		}
		ms = ms<<5 | int64(d)
	}
	if ms <= 0 || ms >= lastMilli {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// postbackData joins what a tapped button carries: its data, then each choice of a
// date picker or menu switch as a line "key=value", keys sorted.
func postbackData(e *event) string {
	var params map[string]any
	if e.params == nil || json.Unmarshal(e.params, &params) != nil {
		return e.data
	}
	lines := []string{e.data}
	for key, value := range params {
		if text, ok := value.(string); ok {
			lines = append(lines, clean(key)+"="+clean(text))
		}
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}
