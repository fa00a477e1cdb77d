package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// hands gives a file in, as a browser does.
func (b *browser) hands(kind, name string, content io.Reader) *httptest.ResponseRecorder {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if kind != "" {
		must(0, form.WriteField("kind", kind))
	}
	if content != nil {
		must(io.Copy(must(form.CreateFormFile("file", name)), content))
	}
	must(0, form.Close())
	b.Header.Set("Content-Type", form.FormDataContentType())
	defer b.Header.Del("Content-Type")
	return b.do(http.MethodPost, "/admin/imports", &body)
}

// works does the jobs of the catalogue that are due.
func (h *adminHouse) works(id string) {
	h.t.Helper()
	j := job.Job{Kind: catalogue.JobImport, Args: []byte(`{"import":"` + id + `"}`)}
	outcome, err := h.Shop.Handlers()[catalogue.JobImport](context.Background(), j)
	if err != nil {
		h.t.Fatal(err)
	}
	if outcome != nil {
		h.write(func(tx *db.Tx) error { return outcome(tx) })
	}
}

// Customers come in by the same pages, with what a file of people needs.
func TestCustomersComeFromAFile(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/imports"), http.StatusOK, `value="customers"`, "members of another system")
	handed := b.hands("customers", "members.csv", strings.NewReader("會員編號,手機,姓名,專櫃\nVIP-1,0912345678,<b>林</b>,\nVIP-2,12,王,\nVIP-3,,陳,Nowhere\n"))
	path := handed.Header().Get("Location")
	if handed.Code != http.StatusSeeOther {
		t.Fatalf("%d %.600s", handed.Code, handed.Body)
	}
	want(t, b.get(path), http.StatusOK, "new or completed customers", "&lt;b&gt;林&lt;/b&gt;", `name="proved"`, `name="region"`, "Nothing of this name is known here", "Phone")
	want(t, b.get(path+"?region=ZZ"), http.StatusUnprocessableEntity, `id="e-region"`)
	want(t, b.get(path+"?column.member=-&column.phone=-"), http.StatusOK, "No column holds:", "Member number", "disabled")
	wantRedirect(t, b.post(path+"/start", url.Values{"proved": {"on"}, "region": {"tw"}}), path)
	h.works(strings.TrimPrefix(path, "/admin/imports/"))
	want(t, b.get(path), http.StatusOK, "customers added or completed", "2 bad rows")
	want(t, b.get(path+"/errors.csv"), http.StatusOK, "Phone", "Counter")
	want(t, b.get("/admin/audit?action=import.looked"), http.StatusOK, "Looked into a file of customers")
	want(t, h.as(t, h.Advisor).get("/admin/imports"), http.StatusForbidden)
}

const someReceipts = "單號,日期,貨號,數量,金額\nA-1,2025-11-01 12:00,X1,1,1280\nA-2,never,X1,1,90\nA-3,2025-11-02,=HYPERLINK(1),1,50\n"

func TestAnImportIsSeenBeforeItBegins(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/imports"), http.StatusOK, "64 MB at most", "Nothing imported yet", `value="purchases" checked`)
	handed := b.hands("purchases", "<十一月>.csv", strings.NewReader(someReceipts))
	path := handed.Header().Get("Location")
	if handed.Code != http.StatusSeeOther || !strings.HasPrefix(path, "/admin/imports/imp_") {
		t.Fatalf("%d %q %.600s", handed.Code, path, handed.Body)
	}
	want(t, b.get("/admin"), http.StatusOK, "A file waits for its start")
	page := b.get(path)
	want(t, page, http.StatusOK, "&lt;十一月&gt;.csv", "UTF-8", "parted by commas", "new receipts", "=HYPERLINK(1)", `<option value="單號" selected>`, "This date cannot be read", "In the file", "<bdi>never</bdi>", "Drop the file")
	// Said otherwise: the amounts are nowhere, so nothing could begin.
	want(t, b.get(path+"?column.amount=-&column.at=%E6%97%A5%E6%9C%9F&source=pos-7"), http.StatusOK, "No column holds:", "disabled", `value="pos-7"`)
	want(t, b.get(path+"?currency=XX"), http.StatusUnprocessableEntity, `id="e-currency"`, `value="XX"`)
	want(t, b.get(path+"?column.amount=nowhere"), http.StatusUnprocessableEntity, `id="e-column.amount"`)
	wantRedirect(t, b.post(path+"/start", url.Values{"source": {"pos-7"}, "column.ref": {"單號"}}), path)
	wantRedirect(t, b.post(path+"/start", nil), path) // a second tap
	want(t, b.get(path), http.StatusOK, "Under way", "hx-get=\""+path+"/progress\"", "Stop")
	h.works(strings.TrimPrefix(path, "/admin/imports/"))
	progress := b.partial().get(path + "/progress")
	want(t, progress, http.StatusOK, "receipts added")
	if progress.Header().Get("HX-Refresh") != "true" {
		t.Error("the page does not show what became of it")
	}
	b.Header.Del("HX-Request")
	want(t, b.get(path), http.StatusOK, "1 bad row", "Date", "This date cannot be read", path+"/errors.csv")
	file := b.get(path + "/errors.csv")
	want(t, file, http.StatusOK, "\ufeffLine,Column,Reason\n3,Date,This date cannot be read\n")
	if kind := file.Header().Get("Content-Type"); kind != "text/csv; charset=utf-8" {
		t.Error(kind)
	}
	want(t, b.get("/admin/imports"), http.StatusOK, "done, 1 bad row")
}

func TestAPreviewIsDropped(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	path := b.hands("products", "p.jsonl", strings.NewReader(`{"ref":"R1","name":"Balm","variants":[{"sku":"B1"}]}`+"\n{broken\n")).Header().Get("Location")
	want(t, b.get(path), http.StatusOK, "one object a line", "&#34;ref&#34;:&#34;R1&#34;", "1 bad row")
	wantRedirect(t, b.post(path+"/drop", nil), "/admin/imports")
	want(t, b.get(path), http.StatusOK, "This file was dropped")
	wantRedirect(t, b.post(path+"/start", nil), path)
	want(t, b.get("/admin/imports/imp_no"), http.StatusNotFound)
	want(t, b.post("/admin/imports/imp_no/drop", nil), http.StatusNotFound)
	want(t, b.get("/admin/imports/imp_no/errors.csv"), http.StatusNotFound)
}

// What the command line had begun and nobody goes on with is not under way for ever.
func TestAnImportOfTheCommandLineIsStopped(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	h.write(func(tx *db.Tx) error {
		for id, ago := range map[string]time.Duration{"imp_slow": time.Minute, "imp_dead": time.Hour} {
			if _, err := tx.Exec(`INSERT INTO import (id, kind, name, by, at, state, settled, bad) VALUES ($1, 'customers', $1, 'system', $2, 'running', 7, 1)`, id, db.Micro(tx.Now.Add(-ago))); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO import_error (import_id, line, field, code) VALUES ('imp_dead', 3, 'phone', 'malformed')`)
		return err
	})
	want(t, b.get("/admin/imports"), http.StatusOK, "stopped", "under way")
	page := b.get("/admin/imports/imp_dead")
	want(t, page, http.StatusOK, "has probably been stopped", "1 bad row")
	lacks(t, page, "hx-trigger=\"every 1s\"", "In the file")
	want(t, b.get("/admin/imports/imp_slow"), http.StatusOK, "Under way", "hx-trigger=\"every 1s\"")
}

// endless is a body of a size that nobody keeps in memory.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	for i := range p[:n] {
		p[i] = "a,b\n"[i%4]
	}
	e.left -= n
	return int(n), nil
}

func TestHostileUploads(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	for name, c := range map[string]struct {
		kind, content string
		status        int
		says          string
	}{
		"a zip that calls itself csv": {"products", "PK\x03\x04\x14\x00\x06\x00" + strings.Repeat("\x00\x01x", 400), 422, "This is not a text file"},
		"an old Excel file":           {"products", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600), 422, "This is not a text file"},
		"bytes that are nothing":      {"purchases", strings.Repeat("\x01\x02\x03\x04", 300), 422, "This is not a text file"},
		"a page":                      {"purchases", "<html><body>signed out</body>", 422, "This is not a text file"},
		"nothing in it":               {"purchases", "", 422, "Please fill this in"},
		"a kind that is none":         {"secrets", someReceipts, 422, "This cannot be right"},
		"no kind":                     {"", someReceipts, 422, "This cannot be right"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, b.hands(c.kind, "x.csv", strings.NewReader(c.content)), c.status, c.says, "Hand in a file")
		})
	}
	want(t, b.hands("products", "", nil), http.StatusUnprocessableEntity, "Please fill this in")
	want(t, b.post("/admin/imports", url.Values{"kind": {"products"}}), http.StatusUnprocessableEntity, "Please fill this in")
	readable := map[string]string{
		"NUL bytes":        "ref,name\nR\x001,Ba\x00lm\n",
		"formulas":         "ref,name\n=1+1,@SUM(A1)\n",
		"a quote unclosed": "ref,name\n\"R1,Balm\nR2,Cream\n",
		"markup":           "ref,name\n<script>alert(1)</script>,<b>\n",
		"one endless row":  "ref,name\n" + strings.Repeat("x", 200<<10) + "\n",
		"UTF-16":           "\xff\xfer\x00e\x00f\x00,\x00n\x00a\x00m\x00e\x00\n\x00R\x00,\x00B\x00\n\x00",
		"Big5":             "ref,name\nR1,\xa6\xe7\xa6\xe7\n",
	}
	for name, content := range readable {
		t.Run(name, func(t *testing.T) {
			path := b.hands("products", "x.csv", strings.NewReader(content)).Header().Get("Location")
			page := b.get(path)
			want(t, page, http.StatusOK, "What would happen")
			lacks(t, page, "\x00", "<script>alert")
		})
	}
	for name, length := range map[string]int64{"said to be 100 MB": 100 << 20, "100 MB that say nothing": -1} {
		t.Run(name, func(t *testing.T) {
			head := "--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nproducts\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\nref,name\n"
			r := httptest.NewRequest(http.MethodPost, "http://counter.test/admin/imports", io.MultiReader(strings.NewReader(head), &endless{left: 100 << 20}))
			r.ContentLength = length
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			r.Header.Set("Accept", "text/html")
			for name, value := range b.cookies {
				r.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want(t, w, http.StatusRequestEntityTooLarge, "The file is larger than 64 MB", "Hand in a file")
		})
	}
	h.read(func(tx *db.Tx) error {
		all, err := h.Shop.Imports(tx, staff.System(), 100)
		for _, i := range all {
			if i.State == catalogue.ImportPreview && i.Total == 0 {
				return fmt.Errorf("a refused file is kept: %+v", i)
			}
		}
		return err
	})
}
