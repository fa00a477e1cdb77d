package conversation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// secretPlace stands for what a camera tells of its owner.
const secretPlace = "25.0330N 121.5654E of Ms. Chen"

// The picture of the tests: four squares, named in reading order.
const (
	wide, high = 96, 64
	asStored   = "RG/BW"
)

// asShown is how asStored looks when it is turned by each orientation.
var asShown = map[orientation]string{1: "RG/BW", 2: "GR/WB", 3: "WB/GR", 4: "BW/RG", 5: "RB/GW", 6: "BR/WG", 7: "WG/BR", 8: "GW/RB"}

var paints = map[byte]color.RGBA{'R': {255, 0, 0, 255}, 'G': {0, 255, 0, 255}, 'B': {0, 0, 255, 255}, 'W': {255, 255, 255, 255}}

func squares() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, wide, high))
	names := strings.ReplaceAll(asStored, "/", "")
	for y := range high {
		for x := range wide {
			img.SetRGBA(x, y, paints[names[x*2/wide+2*(y*2/high)]])
		}
	}
	return img
}

// seen names the squares of a picture.
func seen(t *testing.T, data []byte) (names string, size image.Point) {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(data))
	check(t, err)
	size = img.Bounds().Size()
	for i := range 4 {
		r, g, b, _ := img.At(size.X*(1+2*(i%2))/4, size.Y*(1+2*(i/2))/4).RGBA()
		best, least := byte('?'), 1<<40
		for name, p := range paints {
			pr, pg, pb, _ := p.RGBA()
			if d := square(r, pr) + square(g, pg) + square(b, pb); d < least {
				best, least = name, d
			}
		}
		names += string(best)
		if i == 1 {
			names += "/"
		}
	}
	return names, size
}

func square(a, b uint32) int { d := int(a>>8) - int(b>>8); return d * d }

// tiff is a camera's block with an orientation behind another tag.
func tiff(order binary.AppendByteOrder, o orientation) []byte {
	out := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		out = []byte("MM\x00*")
	}
	out = order.AppendUint32(out, 8)
	out = order.AppendUint16(out, 2)
	for _, e := range [][4]uint16{{0x0100, typeShort, 1, wide}, {tagOrientation, typeShort, 1, uint16(o)}} {
		out = order.AppendUint16(order.AppendUint16(out, e[0]), e[1])
		out = order.AppendUint32(out, uint32(e[2]))
		out = order.AppendUint16(order.AppendUint16(out, e[3]), 0)
	}
	return append(order.AppendUint32(out, 0), secretPlace...)
}

func jpegSegment(marker byte, payload string) []byte {
	out := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(payload)+2))
	return append(out, payload...)
}

func plainJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	check(t, jpeg.Encode(&out, img, nil))
	return out.Bytes()
}

// after puts something into a JPEG behind its start mark.
func after(data []byte, more ...[]byte) []byte {
	return append(append(bytes.Clone(data[:2]), bytes.Join(more, nil)...), data[2:]...)
}

const profile = "ICC_PROFILE\x00\x01\x01 a profile of colours"

// photo is what a phone makes.
func photo(t testing.TB, img image.Image, o orientation, order binary.AppendByteOrder) []byte {
	return after(plainJPEG(t, img),
		jpegSegment(markAPP0, "JFIF\x00\x01\x02\x01\x00\x48\x00\x48\x01\x01\xf0\xf1\xf2"),
		jpegSegment(markAPP1, "http://ns.adobe.com/xap/1.0/\x00"+secretPlace),
		jpegSegment(markAPP1, "Exif\x00\x00"+string(tiff(order, o))),
		jpegSegment(markAPP2, profile), jpegSegment(markAPP2, "MPF\x00"+secretPlace),
		jpegSegment(0xed, "Photoshop 3.0\x00"+secretPlace), jpegSegment(markCOM, secretPlace))
}

func pngChunk(kind, payload string) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	out = append(out, kind+payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// drawing is a PNG with everything in it that tells more than the picture.
func drawing(t testing.TB, o orientation) []byte {
	t.Helper()
	var plain bytes.Buffer
	check(t, png.Encode(&plain, squares()))
	data, header := plain.Bytes(), len(pngSignature)+25
	more := [][]byte{data[:header], pngChunk("gAMA", "\x00\x00\xb1\x8f"), pngChunk("tEXt", "Author\x00"+secretPlace), pngChunk("zTXt", "Raw profile type exif\x00"+secretPlace),
		pngChunk("iTXt", "XML:com.adobe.xmp\x00"+secretPlace), pngChunk("tIME", "\x07\xea\x0b\x16\x06\x00\x00"), pngChunk("caBX", secretPlace)}
	if o != 0 {
		more = append(more, pngChunk("eXIf", string(tiff(binary.BigEndian, o))))
	}
	return bytes.Join(append(more, data[header:], []byte(secretPlace)), nil)
}

// kept reads what was stored under a key.
func (h *house) kept(customerID, label, key string) (data []byte) {
	h.t.Helper()
	file, size, err := h.Blobs.Get(h.t.Context(), key)
	check(h.t, err)
	defer file.Close()
	h.read(func(tx *db.Tx) error {
		r, err := h.Vault.OpenSeeker(tx, customerID, label, file, size)
		check(h.t, err)
		data, err = io.ReadAll(r)
		return err
	})
	return data
}

func TestUploadsTellNothingOfTheirCamera(t *testing.T) {
	h := newHouse(t, dbtest.New(t))
	h.receive(says("U1", 1, "hello"))
	th := h.only(h.mei)
	pictures := map[string]struct {
		data []byte
		turn orientation
	}{
		"a plain png":  {drawing(t, 0), 1},
		"a turned png": {drawing(t, 6), 6},
		"a jpeg with rubbish between its segments": {bytes.Replace(photo(t, squares(), 8, binary.BigEndian), []byte{0xff, 0xdb}, []byte{0, 1, 2, 0xff, 0xdb}, 1), 8},
		"upright, with rubbish":                    {bytes.Replace(photo(t, squares(), 1, binary.BigEndian), []byte{0xff, 0xdb}, []byte{0, 1, 2, 0xff, 0xdb}, 1), 1},
	}
	for o := range asShown {
		pictures["a jpeg of orientation "+string(rune('0'+o))] = struct {
			data []byte
			turn orientation
		}{photo(t, squares(), o, binary.LittleEndian), o}
	}
	for name, c := range pictures {
		t.Run(name, func(t *testing.T) {
			up, err := h.Upload(t.Context(), h.mei, File{ThreadID: th.ID, Name: "a", From: bytes.NewReader(c.data)})
			check(t, err)
			data, small := h.kept(th.CustomerID, labelBlob, up.Blob), h.kept(th.CustomerID, labelPreview, up.Preview)
			if orientationOf(data) != upright || bytes.Contains(data, []byte("Ms. Chen")) || bytes.Contains(data, []byte("Exif")) || bytes.Contains(data, []byte{0xf0, 0xf1, 0xf2}) {
				t.Error("it tells of its camera")
			}
			names, size := seen(t, data)
			if names != asShown[c.turn] || size.X != up.Media.Width || size.Y != up.Media.Height || int64(len(data)) != up.Media.Size {
				t.Errorf("it shows %s at %v; told as %+v", names, size, up.Media)
			}
			if names, little := seen(t, small); names != asShown[c.turn] || little != size {
				t.Errorf("the preview shows %s at %v", names, little)
			}
			if lies := size.X < size.Y; lies != c.turn.lies() {
				t.Errorf("its size is %v", size)
			}
			if up.Type != channel.Image {
				t.Errorf("its type is %s", up.Type)
			}
		})
	}
}

func TestCustomersPicturesStayAsTheyCame(t *testing.T) {
	h := newHouse(t, dbtest.New(t))
	h.receive(says("U1", 1, "hello"))
	customerID := h.only(h.mei).CustomerID
	for o, want := range asShown {
		data := photo(t, squares(), o, binary.BigEndian)
		id := "msg_" + string(rune('0'+o))
		up, err := h.keep(t.Context(), keeping{MessageID: id, CustomerID: customerID, From: bytes.NewReader(data), Limit: MaxMedia})
		check(t, err)
		if got := h.kept(customerID, labelBlob, up.Blob); !bytes.Equal(got, data) {
			t.Errorf("orientation %d: %d bytes became %d", o, len(data), len(got))
		}
		if names, size := seen(t, h.kept(customerID, labelPreview, up.Preview)); names != want || size.X != up.Media.Width || size.Y != up.Media.Height {
			t.Errorf("orientation %d: the preview shows %s at %v, told as %+v", o, names, size, up.Media)
		}
	}
}

func TestBrokenUploadsAreRefused(t *testing.T) {
	h := newHouse(t, dbtest.New(t))
	h.receive(says("U1", 1, "hello"))
	th := h.only(h.mei)
	whole := photo(t, squares(), 6, binary.BigEndian)
	endless := bytes.Clone(whole)
	binary.BigEndian.PutUint16(endless[4:], 0xffff)
	for name, data := range map[string][]byte{
		"a jpeg that breaks off": whole[:len(whole)-40], "an endless segment": endless,
		"an impossible segment": append(bytes.Clone(whole[:4]), append([]byte{0, 1}, whole[6:]...)...),
		"a png that breaks off": drawing(t, 6)[:150],
	} {
		_, err := h.Upload(t.Context(), h.mei, File{ThreadID: th.ID, Name: "a", From: bytes.NewReader(data)})
		if want := (db.Invalid{Field: "file", Code: "picture"}); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStripJPEG(t *testing.T) {
	plain := plainJPEG(t, squares())
	jfif := jpegSegment(markAPP0, "JFIF\x00\x01\x02\x01\x00\x48\x00\x48\x00\x00")
	adobe := jpegSegment(markAPPE, "Adobe\x00\x64\x00\x00\x00\x00\x01")
	icc := jpegSegment(markAPP2, profile)
	secret := jpegSegment(markAPP1, "Exif\x00\x00"+secretPlace)
	end := len(plain) - 2
	for name, c := range map[string]struct{ data, want []byte }{
		"nothing to strip":           {plain, plain},
		"what its colours need":      {after(plain, jfif, adobe, icc), after(plain, jfif, adobe, icc)},
		"a thumbnail":                {after(plain, jpegSegment(markAPP0, "JFIF\x00\x01\x02\x01\x00\x48\x00\x48\x01\x01"+"\xf0\xf1\xf2")), after(plain, jfif)},
		"a thumbnail of its own":     {after(plain, jpegSegment(markAPP0, "JFXX\x00\x10"+secretPlace)), plain},
		"more than Adobe writes":     {after(plain, jpegSegment(markAPPE, "Adobe\x00\x64\x00\x00\x00\x00\x01"+secretPlace)), after(plain, adobe)},
		"fill bytes":                 {after(plain, []byte{0xff, 0xff}, secret), plain},
		"behind the scan":            {append(append(bytes.Clone(plain[:end]), secret...), 0xff, markEOI), plain},
		"behind the end":             {append(bytes.Clone(plain), secretPlace...), plain},
		"an empty one":               {after(plain, jpegSegment(markAPP1, "")), plain},
		"all that a phone puts in":   {photo(t, squares(), 3, binary.BigEndian), after(plain, jfif, icc)},
		"a segment longer than file": {after(plain, []byte{0xff, markAPP1, 0xff, 0xff}), nil},
		"a length of 0":              {after(plain, []byte{0xff, markAPP1, 0, 0}), nil},
		"a length of 1":              {after(plain, []byte{0xff, markAPP1, 0, 1}), nil},
		"a restart out of place":     {after(plain, []byte{0xff, markRST0}), nil},
		"no marker":                  {after(plain, []byte{0x00}), nil},
		"two starts":                 {after(plain, plain[:2]), nil},
		"no jpeg":                    {[]byte("GIF89a"), nil},
		"nothing":                    {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := stripJPEG(c.data)
			if !bytes.Equal(got, c.want) || (err != nil) != (c.want == nil) {
				t.Errorf("%d bytes became %d, not %d: %v", len(c.data), len(got), len(c.want), err)
			}
		})
	}
	full := photo(t, squares(), 6, binary.BigEndian)
	for n := range full {
		if _, err := stripJPEG(full[:n]); err == nil {
			t.Fatalf("broken off after %d bytes it passes for whole", n)
		}
		orientationOf(full[:n])
	}
}

func TestStripPNG(t *testing.T) {
	var plain bytes.Buffer
	check(t, png.Encode(&plain, squares()))
	header := len(pngSignature) + 25
	want := bytes.Join([][]byte{plain.Bytes()[:header], pngChunk("gAMA", "\x00\x00\xb1\x8f"), plain.Bytes()[header:]}, nil)
	full := drawing(t, 6)
	got, err := stripPNG(full)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes became %d, not %d: %v", len(full), len(got), len(want), err)
	}
	for n := range len(full) - len(secretPlace) {
		if _, err := stripPNG(full[:n]); err == nil {
			t.Fatalf("broken off after %d bytes it passes for whole", n)
		}
		orientationOf(full[:n])
	}
	for _, length := range []string{"\xff\xff\xff\xff", "\x7f\xff\xff\xff", "\x00\x00\x10\x00"} {
		if _, err := stripPNG([]byte(string(pngSignature) + length + "tEXt and so on")); err == nil {
			t.Errorf("a chunk of %x bytes passes", length)
		}
	}
}

// TestANewJPEGKeepsItsColours: grey stays grey, and a profile stays beside the
// colours it was made for.
func TestANewJPEGKeepsItsColours(t *testing.T) {
	for name, stored := range map[string]image.Image{"colour": squares(), "grey": image.NewGray(image.Rect(0, 0, 20, 30))} {
		data := photo(t, stored, 6, binary.BigEndian)
		img, err := jpeg.Decode(bytes.NewReader(data))
		check(t, err)
		got, err := withoutMetadata(data, img, orientationOf(data))
		check(t, err)
		again, err := jpeg.Decode(bytes.NewReader(got))
		check(t, err)
		if want := img.Bounds().Size(); again.Bounds().Size() != image.Pt(want.Y, want.X) || again.ColorModel() != img.ColorModel() {
			t.Errorf("%s: %v of %T became %v of %T", name, want, img, again.Bounds().Size(), again)
		}
		if bytes.Count(got, []byte(profile)) != 1 {
			t.Errorf("%s: its profile is gone", name)
		}
	}
}

func FuzzWithoutMetadata(f *testing.F) {
	f.Add(photo(f, squares(), 6, binary.LittleEndian))
	f.Add(photo(f, image.NewGray(image.Rect(0, 0, 8, 8)), 3, binary.BigEndian))
	f.Add(drawing(f, 6))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x02\xff\xda\x00\x02\xff\x00\xff\xd0\xff\xd9"))
	f.Fuzz(func(t *testing.T, data []byte) {
		orientationOf(data)
		orientationIn(data)
		for name, strip := range map[string]func([]byte) ([]byte, error){"jpeg": stripJPEG, "png": stripPNG} {
			clean, err := strip(data)
			if err != nil {
				continue
			}
			if again, err := strip(clean); err != nil || !bytes.Equal(again, clean) {
				t.Errorf("%s: stripped twice, %d bytes become %d: %v", name, len(clean), len(again), err)
			}
			if orientationOf(clean) != upright {
				t.Errorf("%s: it still says how it was held", name)
			}
		}
		size, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil || size.Width*size.Height > 1<<16 {
			return
		}
		img, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		clean, err := withoutMetadata(data, img, orientationOf(data))
		if err != nil {
			return // what no encoder takes is refused
		}
		if _, _, err := image.DecodeConfig(bytes.NewReader(clean)); err != nil {
			t.Errorf("what was a picture is none any more: %v", err)
		}
	})
}
