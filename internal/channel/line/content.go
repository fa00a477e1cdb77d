package line

import (
	"math"
	"strings"
	"time"

	"dingdong/internal/channel"
)

// bodyOf translates a message object of a webhook. LINE emoji and mentions stay
// the text that LINE writes for them.
func bodyOf(m *message) channel.Body {
	b := channel.Body{QuoteID: m.quoted, QuoteToken: m.quoteToken}
	switch m.kind {
	case "text":
		b.Type, b.Text = channel.Text, m.text
	case "image":
		b.Type, b.Media = channel.Image, mediaOf(m)
	case "video":
		b.Type, b.Media = channel.Video, mediaOf(m)
	case "audio":
		b.Type, b.Media = channel.Audio, mediaOf(m)
	case "file":
		b.Type, b.Media = channel.File, mediaOf(m)
		b.Media.Name, b.Media.Size = fileName(m.fileName), whole(m.fileSize, math.MaxInt32)
	case "location":
		b.Type = channel.Location
		b.Place = &channel.Place{Title: m.title, Address: m.address, Latitude: m.latitude, Longitude: m.longitude}
	case "sticker":
		b.Type, b.Text, b.Stick = channel.Sticker, m.text, stickOf(m)
	default:
		b.Type = channel.Unknown
	}
	return b
}

// mediaOf keeps where a third party holds the bytes; LINE's content endpoint does
// not have those, and nobody should fetch an address out of a webhook unasked.
func mediaOf(m *message) *channel.Media {
	media := &channel.Media{Duration: time.Duration(whole(m.duration, float64(7*24*time.Hour/time.Millisecond))) * time.Millisecond}
	if m.provider == "external" {
		media.External = m.original
	}
	return media
}

func stickOf(m *message) *channel.Stick {
	return &channel.Stick{
		PackageID: m.packageID, StickerID: m.stickerID, Keywords: m.keywords,
		Animated: strings.Contains(m.resource, "ANIMATION") || strings.Contains(m.resource, "POPUP"),
	}
}

// whole makes a sane whole number of what JSON allows: anything negative, above
// most or fractional beyond use becomes 0, "not known".
func whole(n, most float64) int64 {
	if n < 0 || n > most || n != n {
		return 0
	}
	return int64(n)
}

// fileName keeps a name that can be shown and saved: no path, no control
// characters, none of the marks that turn the reading direction to hide an ending.
func fileName(s string) string {
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s)
}
