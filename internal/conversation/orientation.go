package conversation

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"
)

// orientation is how the stored rows and columns of a picture lie, by the EXIF
// tag of that name: 1 as they are shown, 2 to 8 mirrored or turned.
type orientation int

// upright is a picture that is stored as it is shown.
const upright orientation = 1

// orientationOf reads how a JPEG or PNG is to be turned. Whatever is missing or
// broken means that it stands upright.
func orientationOf(data []byte) orientation {
	var exif []byte
	if bytes.HasPrefix(data, pngSignature) {
		_ = chunks(data, func(kind string, payload, _ []byte) { // what was found before a fault counts
			if kind == "eXIf" && exif == nil {
				exif = payload
			}
		})
	} else {
		scanned := false
		_ = segments(data, func(s segment) {
			scanned = scanned || s.marker == markSOS
			if s.marker == markAPP1 && exif == nil && !scanned {
				if tiff, found := bytes.CutPrefix(s.payload, exifName); found { // else it is XMP
					exif = tiff
				}
			}
		})
	}
	return orientationIn(exif)
}

// The tag and its type, in TIFF 6.0 and EXIF 2.3.
const (
	tagOrientation = 0x0112
	typeShort      = 3
)

// orientationIn reads the tag from the first directory of a TIFF block.
func orientationIn(tiff []byte) orientation {
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return upright
		}
		if order.Uint16(entries) == tagOrientation {
			o := orientation(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) != typeShort || order.Uint32(entries[4:]) != 1 || o < 1 || o > 8 {
				return upright
			}
			return o
		}
		entries = entries[12:]
	}
	return upright
}

// lies says that columns become rows.
func (o orientation) lies() bool { return o >= 5 && o <= 8 }

// place is where the stored pixel x, y of a picture of w by h is shown.
func (o orientation) place(x, y, w, h int) (int, int) {
	switch o {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}

// apply turns a picture upright. It goes row by row, so that a large picture
// stands in memory once more, not twice.
func (o orientation) apply(img image.Image) image.Image {
	if o == upright {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	size := image.Rect(0, 0, w, h)
	if o.lies() {
		size = image.Rect(0, 0, h, w)
	}
	if grey, ok := img.(*image.Gray); ok { // in colour its profile would not fit
		out := image.NewGray(size)
		for y := range h {
			for x := range w {
				tx, ty := o.place(x, y, w, h)
				out.SetGray(tx, ty, grey.GrayAt(b.Min.X+x, b.Min.Y+y))
			}
		}
		return out
	}
	out, row := image.NewRGBA(size), image.NewRGBA(image.Rect(0, 0, w, 1))
	for y := range h {
		draw.Draw(row, row.Bounds(), img, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		for x := range w {
			tx, ty := o.place(x, y, w, h)
			copy(out.Pix[out.PixOffset(tx, ty):][:4], row.Pix[4*x:])
		}
	}
	return out
}
