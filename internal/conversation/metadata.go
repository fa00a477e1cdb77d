package conversation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
)

// What a camera writes beside a picture (where and when it was taken, on whose
// phone, what it showed before it was cropped) is nobody's business on the other
// side of a chat. Here it is taken out of what staff and visitors upload; the
// one thing that pictures need of it, which way is up, is done to the picture.

// anewQuality is that of a JPEG which had to be encoded anew.
const anewQuality = 90

// errUntidy says that a file is not built as its format demands, though a
// decoder may make a picture of it.
var errUntidy = errors.New("conversation: picture is not well formed")

// withoutMetadata returns an uploaded JPEG or PNG without what its camera wrote
// into it, standing upright. A file that cannot be taken apart is encoded anew.
func withoutMetadata(data []byte, img image.Image, turn orientation) ([]byte, error) {
	strip, encode := stripJPEG, encodeUprightJPEG
	if bytes.HasPrefix(data, pngSignature) {
		strip, encode = stripPNG, encodeUprightPNG
	}
	clean, err := strip(data)
	if err != nil || turn != upright {
		return encode(data, img, turn)
	}
	before, after := img.Bounds().Size(), image.Config{}
	if after, _, err = image.DecodeConfig(bytes.NewReader(clean)); err != nil || after.Width != before.X || after.Height != before.Y {
		return encode(data, img, turn)
	}
	return clean, nil
}

// Markers of a JPEG, ITU-T T.81 table B.1.
const (
	markTEM  = 0x01
	markRST0 = 0xd0
	markRST7 = 0xd7
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markAPP0 = 0xe0
	markAPP1 = 0xe1
	markAPP2 = 0xe2
	markAPPE = 0xee
	markAPPF = 0xef
	markCOM  = 0xfe
)

// segment is one piece of a JPEG: a marker with its payload, and after a start
// of scan the coded picture up to the next marker.
type segment struct {
	marker  byte
	payload []byte // without the length
	whole   []byte // as it stands in the file
}

// segments walks through a JPEG from its start to its end mark. What stands
// behind that (a second picture, a film) is left out.
func segments(data []byte, visit func(segment)) error {
	if len(data) < 2 || data[0] != 0xff || data[1] != markSOI {
		return errUntidy
	}
	visit(segment{marker: markSOI, whole: data[:2]})
	for at := 2; ; {
		if at >= len(data) || data[at] != 0xff {
			return errUntidy
		}
		for at < len(data) && data[at] == 0xff { // any number of fill bytes
			at++
		}
		if at >= len(data) {
			return errUntidy
		}
		start, marker := at-1, data[at]
		at++
		switch {
		case marker == markEOI:
			visit(segment{marker: marker, whole: data[start:at]})
			return nil
		case marker == 0x00, marker == markSOI, marker == markTEM, marker >= markRST0 && marker <= markRST7:
			return errUntidy
		}
		if len(data)-at < 2 {
			return errUntidy
		}
		length := int(binary.BigEndian.Uint16(data[at:]))
		if length < 2 || length > len(data)-at {
			return errUntidy
		}
		payload := data[at+2 : at+length]
		at += length
		if marker == markSOS {
			at = scanEnd(data, at)
		}
		visit(segment{marker: marker, payload: payload, whole: data[start:at]})
	}
}

// scanEnd is where the coded picture that begins at from ends: at a marker that
// is neither a stuffed zero nor a restart.
func scanEnd(data []byte, from int) int {
	for i := from; i+1 < len(data); i++ {
		if data[i] != 0xff {
			continue
		}
		if next := data[i+1]; next != 0x00 && next != 0xff && (next < markRST0 || next > markRST7) {
			return i
		}
	}
	return len(data)
}

var (
	exifName  = []byte("Exif\x00\x00")
	iccName   = []byte("ICC_PROFILE\x00")
	jfifName  = []byte("JFIF\x00")
	adobeName = []byte("Adobe")
)

// stripJPEG copies a JPEG without its application segments and comments, but
// for the three that say how its colours are meant.
func stripJPEG(data []byte) ([]byte, error) {
	out := make([]byte, 0, len(data))
	err := segments(data, func(s segment) {
		switch {
		case s.marker == markAPP0 && bytes.HasPrefix(s.payload, jfifName) && len(s.payload) >= 14:
			// Density stays; a thumbnail may show what was cropped away.
			out = append(out, 0xff, markAPP0, 0, 16)
			out = append(out, s.payload[:12]...)
			out = append(out, 0, 0)
		case s.marker == markAPPE && bytes.HasPrefix(s.payload, adobeName) && len(s.payload) >= 12:
			out = append(out, 0xff, markAPPE, 0, 14)
			out = append(out, s.payload[:12]...)
		case s.marker == markAPP2 && bytes.HasPrefix(s.payload, iccName):
			out = append(out, s.whole...)
		case s.marker >= markAPP0 && s.marker <= markAPPF, s.marker == markCOM:
		default:
			out = append(out, s.whole...)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// encodeUprightJPEG makes a new JPEG of a picture, with the colour profile of the old
// one: a phone's pictures would look pale without it.
func encodeUprightJPEG(data []byte, img image.Image, turn orientation) ([]byte, error) {
	var profile []byte
	_, converted := img.(*image.CMYK) // the profile of inks does not fit what becomes of them
	err := segments(data, func(s segment) {
		if s.marker == markAPP2 && bytes.HasPrefix(s.payload, iccName) && !converted {
			profile = append(profile, s.whole...)
		}
	})
	if err != nil {
		profile = nil
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, turn.apply(img), &jpeg.Options{Quality: anewQuality}); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	fresh := out.Bytes()
	return append(append(fresh[:2:2], profile...), fresh[2:]...), nil
}

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

// pngKept are the chunks that a picture is made of, and those that say how its
// colours are meant. All others go: texts, times, EXIF, and what nobody knows.
var pngKept = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true,
	"cHRM": true, "gAMA": true, "iCCP": true, "sBIT": true, "sRGB": true, "cICP": true, "bKGD": true, "pHYs": true,
}

// chunks walks through a PNG to its end chunk.
func chunks(data []byte, visit func(kind string, payload, whole []byte)) error {
	if !bytes.HasPrefix(data, pngSignature) {
		return errUntidy
	}
	for rest := data[len(pngSignature):]; ; {
		if len(rest) < 12 {
			return errUntidy
		}
		length := binary.BigEndian.Uint32(rest)
		if uint64(length) > uint64(len(rest)-12) {
			return errUntidy
		}
		kind, end := string(rest[4:8]), 12+int(length)
		visit(kind, rest[8:8+length], rest[:end])
		if kind == "IEND" {
			return nil
		}
		rest = rest[end:]
	}
}

// stripPNG copies a PNG with those chunks only that make its picture.
func stripPNG(data []byte) ([]byte, error) {
	out := make([]byte, 0, len(data))
	out = append(out, pngSignature...)
	err := chunks(data, func(kind string, _, whole []byte) {
		if pngKept[kind] {
			out = append(out, whole...)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func encodeUprightPNG(_ []byte, img image.Image, turn orientation) ([]byte, error) {
	var out bytes.Buffer
	if err := png.Encode(&out, turn.apply(img)); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return out.Bytes(), nil
}
