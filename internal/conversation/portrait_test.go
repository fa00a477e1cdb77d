package conversation

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// portraitHouse is a house whose platform shows pictures that the test chooses.
type portraitHouse struct {
	*courierHouse
	shows   atomic.Value // the path that her profile names now
	fetched atomic.Int32
}

func newPortraitHouse(t *testing.T, d *db.DB, files map[string][]byte) *portraitHouse {
	p := &portraitHouse{}
	p.shows.Store("")
	pictures := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetched.Add(1)
		switch data, ok := files[r.URL.Path]; {
		case r.URL.Path == "/inside":
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "image/jpeg") // whatever it is
			_, _ = w.Write(data)
		}
	}))
	t.Cleanup(pictures.Close)
	p.courierHouse = newCourierHouse(t, d, linefake.Options{Portrait: func(string) string {
		if path := p.shows.Load().(string); path != "" {
			return pictures.URL + path
		}
		return ""
	}})
	p.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE account SET data_base = $1`, pictures.URL)
		return err
	})
	p.accounts.forget(p.account.ID)
	p.fake.Person(userMei, "Mei")
	p.fake.Befriend(userMei)
	return p
}

// asks does what the jobs do: the profile, and the picture if one is wanted. It tells
// whether one was.
func (p *portraitHouse) asks(identity, id string) (wanted bool) {
	p.t.Helper()
	args, err := json.Marshal(profileArgs{Identity: identity})
	check(p.t, err)
	p.does(p.FetchProfile, job.Job{ID: id + "p", Kind: JobProfile, Args: args, Attempt: 1})
	p.read(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) > 0 FROM job WHERE kind = 'portrait'`).Scan(&wanted)
	})
	if wanted {
		p.write(func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM job WHERE kind = 'portrait'`); return err })
		p.does(p.FetchPortrait, job.Job{ID: id, Kind: JobPortrait, Args: args, Attempt: 1})
	}
	return wanted
}

func (p *portraitHouse) does(h job.Handler, j job.Job) {
	p.t.Helper()
	after, err := h(p.t.Context(), j)
	check(p.t, err)
	if after != nil {
		p.write(after)
	}
}

func (p *portraitHouse) keys() (all []string) {
	p.t.Helper()
	check(p.t, p.Blobs.Walk(func(key string, _ int64) error { all = append(all, key); return nil }))
	return all
}

// sees gives the picture that a viewer gets of a thread, or nothing.
func (p *portraitHouse) sees(v staff.Viewer, t Thread) []byte {
	p.t.Helper()
	c, customer, err := p.FaceFor(p.t.Context(), v, t.ID, t.Face())
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	check(p.t, err)
	defer c.Close()
	data, err := io.ReadAll(c)
	check(p.t, err)
	if customer != t.CustomerID || c.MIME != "image/jpeg" {
		p.t.Errorf("the picture of %s is %s", customer, c.MIME)
	}
	return data
}

func painted(t *testing.T, w, h int, c color.Color) image.Image {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	return img
}

func asJPEG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

// giant is a PNG that claims to be 30,000 pixels on each side.
func giant(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, png.Encode(&b, painted(t, 2, 2, color.White)))
	data := b.Bytes()
	binary.BigEndian.PutUint32(data[16:], 30_000)
	binary.BigEndian.PutUint32(data[20:], 30_000)
	return data
}

const script = `<script>alert(1)</script>`

func TestPortraitIsDrawnAnew(t *testing.T) {
	red := asJPEG(t, painted(t, 900, 600, color.RGBA{200, 20, 20, 255}))
	var transparent bytes.Buffer
	check(t, png.Encode(&transparent, painted(t, 64, 64, color.RGBA{0, 0, 0, 0})))
	files := map[string][]byte{
		"/good": red, "/png": transparent.Bytes(), "/polyglot": append(append([]byte{}, red...), []byte(script)...),
		"/svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg">` + script + `</svg>`), "/html": []byte(`<html>` + script), "/giant": giant(t),
		"/large": append(append([]byte{}, red...), make([]byte, maxPortrait)...), "/broken": red[:len(red)/3], "/empty": {},
	}
	p := newPortraitHouse(t, dbtest.New(t), files)
	p.receive(says(userMei, 1, "hello"))
	identity := p.only(p.mei).IdentityID
	for _, tc := range []struct {
		path string
		w, h int // 0: she keeps her initial
	}{{"/good", 192, 128}, {"/svg", 0, 0}, {"/polyglot", 192, 128}, {"/html", 0, 0}, {"/png", 64, 64}, {"/giant", 0, 0}, {"/large", 0, 0}, {"/broken", 0, 0},
		{"/empty", 0, 0}, {"/missing", 0, 0}, {"/inside", 0, 0}} {
		p.shows.Store(tc.path)
		if !p.asks(identity, "job_"+strings.Trim(tc.path, "/")) {
			t.Errorf("%s is not fetched", tc.path)
		}
		th := p.only(p.mei)
		if (th.Picture != "") != (tc.w > 0) {
			t.Errorf("%s: %q", tc.path, th.Picture)
			continue
		}
		data := p.sees(p.mei, th)
		if tc.w == 0 {
			if data != nil {
				t.Errorf("%s is shown", tc.path)
			}
			continue
		}
		size, kind, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil || kind != "jpeg" || size.Width != tc.w || size.Height != tc.h || bytes.Contains(data, []byte("script")) {
			t.Errorf("%s: %s %dx%d %v", tc.path, kind, size.Width, size.Height, err)
		}
	}
}

func TestPortraitOfAPerson(t *testing.T) {
	files := map[string][]byte{"/red": asJPEG(t, painted(t, 300, 300, color.RGBA{200, 20, 20, 255})), "/blue": asJPEG(t, painted(t, 300, 300, color.RGBA{20, 20, 200, 255}))}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := newPortraitHouse(t, d, files)
		p.receive(says(userMei, 1, "hello"))
		p.shows.Store("/red")
		identity := p.only(p.mei).IdentityID
		p.asks(identity, "job_red")
		th := p.only(p.mei)
		red := p.sees(p.mei, th)

		// Who may see the thread sees it, and nobody else.
		if red == nil || p.sees(p.manager, th) == nil {
			t.Fatal("it is not shown")
		}
		if p.sees(p.foreign, th) != nil {
			t.Error("another counter sees it")
		}
		if _, _, err := p.FaceFor(t.Context(), p.mei, th.ID, "job_old"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another version: %v", err)
		}
		for _, key := range p.keys() { // sealed
			file, _, err := p.Blobs.Get(t.Context(), key)
			check(t, err)
			data, err := io.ReadAll(file)
			file.Close()
			check(t, err)
			if bytes.Contains(data, red[:40]) || bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
				t.Errorf("%s lies open", key)
			}
		}

		// It is fetched again when the platform names another one, and only then.
		fetched := p.fetched.Load()
		if p.asks(identity, "job_same") || p.fetched.Load() != fetched {
			t.Error("the same picture was fetched again")
		}
		p.shows.Store("/blue")
		p.asks(identity, "job_blue")
		if blue := p.sees(p.mei, p.only(p.mei)); blue == nil || bytes.Equal(blue, red) {
			t.Error("she still shows the old picture")
		}
		p.drops()
		if keys := p.keys(); len(keys) != 1 || keys[0] != "f/job_blue" {
			t.Errorf("what lies there: %q", keys)
		}

		// A thief of the blob folder finds it in her copy, she takes it with her.
		var copies []ExtractPicture
		p.read(func(tx *db.Tx) (err error) { copies, err = p.ExportPictures(tx, []string{th.CustomerID}); return err })
		if len(copies) != 1 || copies[0].File != "files/"+identity+".jpg" {
			t.Fatalf("her copy: %+v", copies)
		}
		file, err := p.ExportPicture(t.Context(), copies[0])
		check(t, err)
		file.Close()

		// A record that becomes one with another takes its picture along, and back.
		p.receive(says("U-other", 1, "it is me as well"))
		var other Thread
		for _, x := range p.threads(p.mei, Filter{Box: BoxAll}) {
			if x.ID != th.ID {
				other = x
			}
		}
		var merged string
		p.write(func(tx *db.Tx) (err error) {
			merged, err = p.Merge(tx, staff.System(), Merge{KeptID: other.CustomerID, LostID: th.CustomerID, Proof: ProvedByAdvisor})
			return err
		})
		p.receive(says(userMei, 2, "from my first account"))
		if one := p.only(p.mei); p.sees(p.mei, one) == nil {
			t.Error("the merge lost her picture")
		}
		p.write(func(tx *db.Tx) error { return p.Unmerge(tx, staff.System(), merged) })
		for _, x := range p.threads(p.mei, Filter{Box: BoxAll}) {
			if has := p.sees(p.mei, x) != nil; has != (x.IdentityID == identity) {
				t.Errorf("taken apart, %s has a picture: %v", x.IdentityID, has)
			}
		}

		// She takes it away; she gets another; she is erased.
		p.shows.Store("")
		p.asks(identity, "job_none")
		p.drops()
		if keys := p.keys(); len(keys) != 0 {
			t.Errorf("she took her picture away, there is %q", keys)
		}
		p.shows.Store("/red")
		p.asks(identity, "job_again")
		args, err := json.Marshal(profileArgs{Identity: identity})
		check(t, err)
		p.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE identity SET picture = '' WHERE id = $1`, identity)
			return err
		})
		late, err := p.FetchPortrait(t.Context(), job.Job{ID: "job_late", Kind: JobPortrait, Args: args, Attempt: 1})
		check(t, err)
		p.write(func(tx *db.Tx) error {
			if err := p.Erase(tx, []string{th.CustomerID}); err != nil {
				return err
			}
			return p.Book.Erase(tx, []string{th.CustomerID})
		})
		p.write(late) // it was on its way while she was erased
		p.drops()
		check(t, p.Blobs.Delete(t.Context(), "f/job_again")) // the test took its name away above
		if keys := p.keys(); len(keys) != 0 {
			t.Errorf("she was erased, there is %q", keys)
		}
		p.does(p.FetchPortrait, job.Job{ID: "job_late", Kind: JobPortrait, Args: args, Attempt: 2})
	})
}

// drops does the jobs that destroy bytes.
func (p *portraitHouse) drops() {
	p.t.Helper()
	var all []string
	p.read(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT args FROM job WHERE kind = 'drop_blobs'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var args string
			if err := rows.Scan(&args); err != nil {
				return err
			}
			all = append(all, args)
		}
		return rows.Err()
	})
	for _, args := range all {
		p.does(p.DropBlobs, job.Job{ID: "job_drop", Kind: JobDropBlobs, Args: []byte(args), Attempt: 1})
	}
}

// Who writes from the web, where nobody has a picture, keeps the one of her LINE.
func TestAMergedVisitorKeepsHerFace(t *testing.T) {
	files := map[string][]byte{"/red": asJPEG(t, painted(t, 300, 300, color.RGBA{200, 20, 20, 255}))}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := newPortraitHouse(t, d, files)
		p.receive(says(userMei, 1, "hello"))
		p.shows.Store("/red")
		friend := p.only(p.mei)
		p.asks(friend.IdentityID, "job_red")
		web := p.visitorOf("ana")
		p.visitorSays(web, "k1", "from the shop")
		of := func(kind channel.Kind) Thread {
			for _, x := range p.threads(p.mei, Filter{Box: BoxAll}) {
				if x.Channel == kind {
					return x
				}
			}
			t.Fatalf("nobody on %s", kind)
			return Thread{}
		}
		if p.sees(p.mei, of(channel.WebChat)) != nil {
			t.Fatal("a visitor has a picture")
		}
		var merged string
		p.write(func(tx *db.Tx) (err error) {
			merged, err = p.Merge(tx, staff.System(), Merge{KeptID: of(channel.WebChat).CustomerID, LostID: friend.CustomerID, Proof: ProvedByAdvisor})
			return err
		})
		p.visitorSays(web, "k2", "from the shop again")
		if one := p.only(p.mei); one.Channel != channel.WebChat || one.Name != "ana" || p.sees(p.mei, one) == nil {
			t.Errorf("on %s as %q, she lost her picture", one.Channel, one.Name)
		}
		// The face she shows to another counter's account is not for this one.
		move := func(counter string) {
			p.write(func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE account SET counter_id = $1 WHERE channel = 'line'`, counter)
				return err
			})
			p.accounts.forget(p.account.ID)
		}
		move(p.other)
		if p.sees(p.mei, p.only(p.mei)) != nil {
			t.Error("the picture of another counter's account shows")
		}
		move(p.counter)
		p.write(func(tx *db.Tx) error { return p.Unmerge(tx, staff.System(), merged) })
		if p.sees(p.mei, of(channel.WebChat)) != nil || p.sees(p.mei, of(channel.LINE)) == nil {
			t.Error("taken apart, the picture is not where it was")
		}
	})
}
