package conversation

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestOrientationOf(t *testing.T) {
	plain := plainJPEG(t, squares())
	exif := func(block string) []byte { return after(plain, jpegSegment(markAPP1, "Exif\x00\x00"+block)) }
	entry := func(tag, kind, count, value string) string {
		return "MM\x00*\x00\x00\x00\x08\x00\x01" + tag + kind + count + value + "\x00\x00"
	}
	for name, c := range map[string]struct {
		data []byte
		want orientation
	}{
		"no EXIF":                 {plain, 1},
		"an entry":                {exif(entry("\x01\x12", "\x00\x03", "\x00\x00\x00\x01", "\x00\x08")), 8},
		"only XMP":                {after(plain, jpegSegment(markAPP1, "http://ns.adobe.com/xap/1.0/\x00")), 1},
		"XMP first":               {after(plain, jpegSegment(markAPP1, "http://ns.adobe.com/xap/1.0/\x00"), jpegSegment(markAPP1, "Exif\x00\x00"+string(tiff(binary.BigEndian, 5)))), 5},
		"the first of two":        {after(plain, jpegSegment(markAPP1, "Exif\x00\x00"+string(tiff(binary.BigEndian, 5))), jpegSegment(markAPP1, "Exif\x00\x00"+string(tiff(binary.BigEndian, 7)))), 5},
		"behind the scan":         {append(bytes.Clone(plain[:len(plain)-2]), exif(string(tiff(binary.BigEndian, 5)))[2:]...), 1},
		"an empty block":          {exif(""), 1},
		"another byte order":      {exif("XX*\x00\x00\x00\x00\x08"), 1},
		"a directory far away":    {exif("MM\x00*\xff\xff\xff\xff" + secretPlace), 1},
		"a directory at the end":  {exif("MM\x00*\x00\x00\x00\x08"), 1},
		"more entries than bytes": {exif("MM\x00*\x00\x00\x00\x08\xff\xff\x01"), 1},
		"a value of 0":            {exif(entry("\x01\x12", "\x00\x03", "\x00\x00\x00\x01", "\x00\x00")), 1},
		"a value of 9":            {exif(entry("\x01\x12", "\x00\x03", "\x00\x00\x00\x01", "\x00\x09")), 1},
		"another type":            {exif(entry("\x01\x12", "\x00\x04", "\x00\x00\x00\x01", "\x00\x08")), 1},
		"two values":              {exif(entry("\x01\x12", "\x00\x03", "\x00\x00\x00\x02", "\x00\x08")), 1},
		"an entry that breaks":    {exif(entry("\x01\x12", "\x00\x03", "\x00\x00\x00\x01", "\x00\x08")[:20]), 1},
		"a png":                   {drawing(t, 4), 4},
		"a png without":           {drawing(t, 0), 1},
		"nothing":                 {nil, 1},
	} {
		if got := orientationOf(c.data); got != c.want {
			t.Errorf("%s: %d, not %d", name, got, c.want)
		}
	}
	for o := range asShown {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			if got := orientationOf(photo(t, squares(), o, order)); got != o {
				t.Errorf("%v: %d, not %d", order, got, o)
			}
		}
	}
}
