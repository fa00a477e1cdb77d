package linefake

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// object is a message that the account sends; of each type only what matters here.
type object struct {
	Type               string   `json:"type"`
	Text               string   `json:"text"`
	QuoteToken         string   `json:"quoteToken"`
	OriginalContentURL string   `json:"originalContentUrl"`
	PreviewImageURL    string   `json:"previewImageUrl"`
	Duration           int64    `json:"duration"`
	Title              string   `json:"title"`
	Address            string   `json:"address"`
	Latitude           *float64 `json:"latitude"`
	Longitude          *float64 `json:"longitude"`
	PackageID          string   `json:"packageId"`
	StickerID          string   `json:"stickerId"`
	AltText            string   `json:"altText"`

	QuickReply *struct {
		Items []quickItem `json:"items"`
	} `json:"quickReply"`
}

// quickItem is a button below a message. Only postback actions are played here.
type quickItem struct {
	Type   string `json:"type"`
	Action struct {
		Type        string `json:"type"`
		Label       string `json:"label"`
		Data        string `json:"data"`
		DisplayText string `json:"displayText"`
	} `json:"action"`
}

// Choice is a button that stands below a message on her phone.
type Choice struct {
	Label string `json:"label"`
	Data  string `json:"data"`
	Shows string `json:"shows,omitempty"` // what stands in her chat when she taps it
}

func (m object) choices() []Choice {
	if m.QuickReply == nil {
		return nil
	}
	var out []Choice
	for _, i := range m.QuickReply.Items {
		out = append(out, Choice{i.Action.Label, i.Action.Data, i.Action.DisplayText})
	}
	return out
}

// checkQuick holds quick replies to LINE's rules.
func checkQuick(m object, wrong func(property, message string)) {
	if m.QuickReply == nil {
		return
	}
	items := m.QuickReply.Items
	if len(items) < 1 || len(items) > 13 {
		wrong("quickReply.items", "Size must be between 1 and 13")
	}
	for i, item := range items {
		at := fmt.Sprintf("quickReply.items[%d].", i)
		long := func(s string) int { return len(utf16.Encode([]rune(s))) }
		if item.Type != "action" {
			wrong(at+"type", "Must be one of the following values: [action]")
		}
		a := item.Action
		if a.Type != "postback" {
			wrong(at+"action.type", "Must be one of the following values: [postback]")
		}
		if long(a.Label) < 1 || long(a.Label) > 20 {
			wrong(at+"action.label", "Length must be between 1 and 20")
		}
		if long(a.Data) < 1 || long(a.Data) > 300 {
			wrong(at+"action.data", "Length must be between 1 and 300")
		}
		if long(a.DisplayText) > 300 {
			wrong(at+"action.displayText", "Length must be between 0 and 300")
		}
	}
}

type sendCall struct {
	To         string   `json:"to"`
	ReplyToken string   `json:"replyToken"`
	Messages   []object `json:"messages"`
}

// readCall takes a request apart and checks it as LINE would; status 0 is good.
func (p *Platform) readCall(body []byte) (sendCall, answer) {
	var c sendCall
	if err := json.Unmarshal(body, &c); err != nil {
		return c, refuse(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
	}
	var wrong []detail
	note := func(i int, property, message string) {
		wrong = append(wrong, detail{message, fmt.Sprintf("messages[%d].%s", i, property)})
	}
	if len(c.Messages) < 1 || len(c.Messages) > 5 {
		wrong = append(wrong, detail{"Size must be between 1 and 5", "messages"})
	}
	for i, m := range c.Messages {
		p.checkObject(m, func(property, message string) { note(i, property, message) })
	}
	if len(wrong) > 0 {
		return c, refuse(400, fmt.Sprintf("The request body has %d error(s)", len(wrong)), wrong...)
	}
	return c, answer{}
}

func (p *Platform) checkObject(m object, wrong func(property, message string)) {
	needs := func(property, value string) {
		if value == "" {
			wrong(property, "May not be empty")
		}
	}
	switch m.Type {
	case "text", "textV2":
		needs("text", m.Text)
		if n := len(utf16.Encode([]rune(m.Text))); n > 5000 {
			wrong("text", "Length must be between 0 and 5000")
		}
	case "sticker":
		needs("packageId", m.PackageID)
		needs("stickerId", m.StickerID)
	case "image", "video":
		p.checkAddress("originalContentUrl", m.OriginalContentURL, wrong)
		p.checkAddress("previewImageUrl", m.PreviewImageURL, wrong)
	case "audio":
		p.checkAddress("originalContentUrl", m.OriginalContentURL, wrong)
		if m.Duration <= 0 {
			wrong("duration", "Must be greater than or equal to 1")
		}
	case "location":
		needs("title", m.Title)
		needs("address", m.Address)
		if m.Latitude == nil || m.Longitude == nil {
			wrong("latitude", "May not be empty")
		}
	case "flex", "template", "imagemap":
		needs("altText", m.AltText)
	default:
		wrong("type", "Must be one of the following values: [text, textV2, sticker, image, video, audio, location, imagemap, template, flex]")
	}
	checkQuick(m, wrong)
	if m.QuoteToken != "" {
		if _, _, ok := p.unseal("quote", m.QuoteToken); !ok {
			wrong("quoteToken", "Invalid quote token")
		}
	}
}

func (p *Platform) checkAddress(property, address string, wrong func(property, message string)) {
	switch {
	case address == "":
		wrong(property, "May not be empty")
	case len(address) > 2000:
		wrong(property, "Length must be between 0 and 2000")
	case strings.HasPrefix(address, "https://"):
	case p.o.AllowHTTP && strings.HasPrefix(address, "http://"):
	default:
		wrong(property, "Must be a valid HTTPS URL")
	}
}

// note is the message as her phone keeps it.
func (m object) note(quoted string) *note {
	n := &note{Type: m.Type, Text: m.Text, URL: m.OriginalContentURL, PackageID: m.PackageID, StickerID: m.StickerID, Duration: m.Duration, Quoted: quoted}
	switch m.Type {
	case "location":
		n.Text, n.Address, n.Latitude, n.Longitude = m.Title, m.Address, *m.Latitude, *m.Longitude
	case "flex", "template", "imagemap":
		n.Text = m.AltText
	}
	return n
}
