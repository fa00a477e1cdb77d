package line

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"dingdong/internal/channel"
)

// Bounds of a call and of its message objects (reference, "Message objects").
const (
	maxBubbles    = 5
	maxTextUnits  = 5000
	maxPlaceUnits = 100
)

// outgoing is a message object; each type uses some of the properties.
type outgoing struct {
	Type               string   `json:"type"`
	Text               string   `json:"text,omitempty"`
	QuoteToken         string   `json:"quoteToken,omitempty"`
	OriginalContentURL string   `json:"originalContentUrl,omitempty"`
	PreviewImageURL    string   `json:"previewImageUrl,omitempty"`
	Duration           int64    `json:"duration,omitempty"`
	Title              string   `json:"title,omitempty"`
	Address            string   `json:"address,omitempty"`
	Latitude           *float64 `json:"latitude,omitempty"`
	Longitude          *float64 `json:"longitude,omitempty"`
	PackageID          string   `json:"packageId,omitempty"`
	StickerID          string   `json:"stickerId,omitempty"`

	QuickReply *quickReply `json:"quickReply,omitempty"`
}

// quickReply is what she can tap below a message, until the next one comes.
type quickReply struct {
	Items []quickItem `json:"items"`
}

type quickItem struct {
	Type   string      `json:"type"`
	Action quickAction `json:"action"`
}

type quickAction struct {
	Type        string `json:"type"`
	Label       string `json:"label"`
	Data        string `json:"data"`
	DisplayText string `json:"displayText"` // stands in her chat as if she had written it
}

type sendCall struct {
	To         string     `json:"to,omitempty"`
	ReplyToken string     `json:"replyToken,omitempty"`
	Messages   []outgoing `json:"messages"`
}

// encode makes the request body, or says what LINE would refuse.
func encode(o channel.Outbound) ([]byte, error) {
	if len(o.Bodies) == 0 || len(o.Bodies) > maxBubbles {
		return nil, rejected("a call carries 1 to 5 messages, not %d", len(o.Bodies))
	}
	c := sendCall{ReplyToken: o.ReplyToken, Messages: make([]outgoing, len(o.Bodies))}
	if o.ReplyToken == "" {
		if o.To == "" {
			return nil, rejected("nobody to send to")
		}
		if o.RetryKey == "" {
			// A push without a key could never be repeated safely.
			return nil, rejected("a push needs a retry key")
		}
		c.To = o.To
	}
	for i, b := range o.Bodies {
		m, err := messageOf(b)
		if err != nil {
			return nil, err
		}
		c.Messages[i] = m
	}
	// LINE shows the choices of a call's last message only: what an earlier one offers
	// is not to be hidden by a bubble that travels with it.
	for i := len(o.Bodies) - 1; i >= 0; i-- {
		if len(o.Bodies[i].Choices) == 0 {
			continue
		}
		q, err := quickReplyOf(o.Bodies[i].Choices)
		if err != nil {
			return nil, err
		}
		c.Messages[len(c.Messages)-1].QuickReply = q
		break
	}
	return json.Marshal(c)
}

// quickReplyOf makes postback actions of choices (reference, "Items object").
func quickReplyOf(choices []channel.Choice) (*quickReply, error) {
	if len(choices) > channel.MaxChoices {
		return nil, rejected("a message offers at most %d choices, this one %d", channel.MaxChoices, len(choices))
	}
	q := &quickReply{}
	for _, c := range choices {
		l := clean(c.Label)
		if l == "" || units(l) > channel.MaxLabel {
			return nil, rejected("a choice has a label of 1 to %d characters", channel.MaxLabel)
		}
		if c.Data == "" || len(c.Data) > channel.MaxData || clean(c.Data) != c.Data {
			return nil, rejected("a choice has data of 1 to %d characters", channel.MaxData)
		}
		q.Items = append(q.Items, quickItem{"action", quickAction{Type: "postback", Label: l, Data: c.Data, DisplayText: l}})
	}
	return q, nil
}

func messageOf(b channel.Body) (outgoing, error) {
	switch b.Type {
	case channel.Text:
		return textMessage(b.Text, b.QuoteID)
	case channel.Sticker:
		if b.Stick == nil || b.Stick.PackageID == "" || b.Stick.StickerID == "" {
			return outgoing{}, rejected("a sticker needs a package and an id")
		}
		return outgoing{Type: "sticker", PackageID: b.Stick.PackageID, StickerID: b.Stick.StickerID, QuoteToken: b.QuoteID}, nil
	case channel.Location:
		if b.Place == nil {
			return outgoing{}, rejected("a location needs a place")
		}
		return placeMessage(*b.Place), nil
	case channel.Image, channel.Video, channel.Audio, channel.File:
		if b.Media == nil || b.Media.URL == "" {
			return outgoing{}, rejected("%s needs an address", b.Type)
		}
		return mediaMessage(b)
	}
	return outgoing{}, rejected("LINE has no message of type %q", b.Type)
}

func textMessage(text, quote string) (outgoing, error) {
	text = clean(text)
	if text == "" {
		return outgoing{}, rejected("a text may not be empty")
	}
	if n := units(text); n > maxTextUnits {
		return outgoing{}, rejected("a text has at most %d characters, this one %d", maxTextUnits, n)
	}
	return outgoing{Type: "text", Text: text, QuoteToken: quote}, nil
}

func mediaMessage(b channel.Body) (outgoing, error) {
	m := outgoing{Type: string(b.Type), OriginalContentURL: b.Media.URL}
	switch b.Type {
	case channel.Image:
		if m.PreviewImageURL = b.Media.Preview; m.PreviewImageURL == "" {
			m.PreviewImageURL = b.Media.URL
		}
	case channel.Video:
		if m.PreviewImageURL = b.Media.Preview; m.PreviewImageURL == "" {
			return outgoing{}, rejected("a video needs a preview picture")
		}
	case channel.Audio:
		// LINE demands a length; where nobody knows it, a short one beats not sending.
		if m.Duration = b.Media.Duration.Milliseconds(); m.Duration <= 0 {
			m.Duration = time.Second.Milliseconds()
		}
	case channel.File:
		// An official account cannot send files: the customer gets a link.
		text := b.Media.URL
		if b.Media.Name != "" {
			text = b.Media.Name + "\n" + text
		}
		return textMessage(text, b.QuoteID)
	}
	return m, nil
}

// placeMessage fills the title and address that LINE demands.
func placeMessage(p channel.Place) outgoing {
	point := strconv.FormatFloat(p.Latitude, 'f', 5, 64) + ", " + strconv.FormatFloat(p.Longitude, 'f', 5, 64)
	title, address := clean(p.Title), clean(p.Address)
	if address == "" {
		address = point
	}
	if title == "" {
		title = address
	}
	return outgoing{
		Type: "location", Latitude: &p.Latitude, Longitude: &p.Longitude,
		Title: title[:cut(title, maxPlaceUnits)], Address: address[:cut(address, maxPlaceUnits)],
	}
}

func rejected(format string, args ...any) *channel.Error {
	return &channel.Error{Kind: channel.Rejected, Message: fmt.Sprintf(format, args...)}
}
