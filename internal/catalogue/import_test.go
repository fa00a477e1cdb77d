package catalogue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/traditionalchinese"

	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

const chinese = "交易單號,交易日期,交易時間,專櫃,會員編號,貨號,品名,數量,金額\n" +
	"A1,2026/11/20,19:05,Rosée Xinyi,VIP1,C-1-21,絲緞氣墊,1,\"1,680\"\n" +
	"A1,2026/11/20,19:05,Rosée Xinyi,VIP1,C-1-23,絲緞氣墊,2,\"NT$3,360.00\"\n" +
	"A2,2026/11/21,13:00,Rosée Xinyi,,C-1-21,絲緞氣墊,1,1680\n" +
	"A3,2026/13/21,13:00,Rosée Xinyi,,C-1-21,絲緞氣墊,1,1680\n" +
	"A4,2026/11/21,13:00,Rosée Xinyi,,C-1-21,絲緞氣墊,1,1680\n" +
	"A4,2026/11/21,13:00,Rosée Xinyi,,C-1-21,絲緞氣墊,1,much\n"

func TestImportPurchases(t *testing.T) {
	plain := strings.ReplaceAll(chinese, "Rosée Xinyi", "R1")
	big5, err := traditionalchinese.Big5.NewEncoder().String(plain)
	check(t, err)
	wide := func(order binary.ByteOrder, mark bool) string {
		units := utf16.Encode([]rune(plain))
		if mark {
			units = append([]uint16{0xfeff}, units...)
		}
		out := make([]byte, 2*len(units))
		for i, u := range units {
			order.PutUint16(out[2*i:], u)
		}
		return string(out)
	}
	files := map[string]string{
		"UTF-8": plain, "with a mark": "\xef\xbb\xbf" + plain, "Big5": big5, "UTF-16 of Excel": wide(binary.LittleEndian, true),
		"UTF-16 the other way": wide(binary.BigEndian, true), "UTF-16 without a mark": wide(binary.LittleEndian, false),
		"Windows lines": strings.ReplaceAll(plain, "\n", "\r\n"), "semicolons": strings.NewReplacer("\"1,680\"", "1680", "\"NT$3,360.00\"", "3360,00", ",", ";").Replace(plain),
		"tabs":             strings.NewReplacer("\"1,680\"", "\"1,680\"", "\"NT$3,360.00\"", "3360", ",", "\t").Replace(strings.ReplaceAll(plain, "\"1,680\"", "1680")),
		"no last line end": strings.TrimSuffix(plain, "\n"),
	}
	each(t, func(t *testing.T, h *house) {
		h.write(func(tx *db.Tx) error {
			_, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{ID: h.roseeX, Name: "R1"})
			return err
		})
		for name, file := range files {
			t.Run(name, func(t *testing.T) {
				var bad []RowError
				f := FileImport{Kind: ImportPurchases, Name: name, Options: ImportOptions{Source: name}, Tell: func(_ Progress, b []RowError) { bad = append(bad, b...) }}
				run := func() Progress {
					bad, f.From = nil, strings.NewReader(file)
					p, err := h.ImportFile(t.Context(), staff.System(), f)
					check(t, err)
					return p
				}
				f.DryRun = true
				if p := run(); p.Added != 2 || p.Bad != 3 {
					t.Errorf("dry: %+v %v", p, bad)
				}
				f.DryRun = false
				if p := run(); p.Added != 2 || p.Repeated != 0 || p.Bad != 3 || p.Rows != 6 {
					t.Errorf("first: %+v", p)
				}
				want := []RowError{{5, "at", "date", "2026/13/21"}, {6, "ref", withOther, "A4"}, {7, "amount", "number", "much"}}
				if fmt.Sprint(bad) != fmt.Sprint(want) {
					t.Errorf("bad rows: %v", bad)
				}
				if p := run(); p.Added != 0 || p.Repeated != 2 {
					t.Errorf("again: %+v", p)
				}
				if n := h.count(`SELECT total FROM purchase WHERE source = $1 AND ref = 'A1'`, name); n != 504000 {
					t.Errorf("A1 is %d", n)
				}
				if n := h.count(`SELECT at FROM purchase WHERE source = $1 AND ref = 'A1'`, name); int64(n) != db.Micro(time.Date(2026, 11, 20, 11, 5, 0, 0, time.UTC)) {
					t.Errorf("A1 was at %v", db.Time(int64(n)))
				}
				if n := h.count(`SELECT COUNT(*) FROM purchase p JOIN purchase_line l ON l.purchase_id = p.id WHERE p.source = $1 AND p.counter_id = $2`, name, h.roseeX); n != 3 {
					t.Errorf("%d lines", n)
				}
			})
		}
	})
}

func TestImportOfOtherShapes(t *testing.T) {
	cases := map[string]struct {
		kind    ImportKind
		o       ImportOptions
		file    string
		added   int64
		bad     string // "line field code" of each
		problem error
	}{
		"receipts without lines": {ImportPurchases, ImportOptions{}, "receipt no,date,amount\n1,2026-11-01,100\n2,2026-11-01,(50)\n1,2026-11-01,100\n", 1, "[{2 ref with_other} {4 ref taken}]", nil},
		"years of the Republic":  {ImportPurchases, ImportOptions{ROC: true}, "單號,日期,總計\n1,115/11/02,100\n2,民國115年11月3日,100\n3,1151104,100\n", 3, "[]", nil},
		"years of what":          {ImportPurchases, ImportOptions{}, "單號,日期,總計\n1,115/11/02,100\n", 0, "[{2 at date}]", nil},
		"scattered": {ImportPurchases, ImportOptions{}, "單號,日期,貨號,金額\nX,2026-11-01,a,1\n" + many1(MaxBatch+5) + "X,2026-11-01,b,1\n", MaxBatch + 6,
			fmt.Sprintf("[{%d ref scattered}]", MaxBatch+8), nil},
		"a mapping":             {ImportPurchases, ImportOptions{Columns: map[string]string{"ref": "N", "at": "D", "total": "T", "member": "-"}}, "N,D,T,member\n1,2026-11-01,100,x y\n", 1, "[]", nil},
		"a mapping to nothing":  {ImportPurchases, ImportOptions{Columns: map[string]string{"ref": "Q"}}, "N,D,T\n", 0, "[]", db.Invalid{Field: "columns.ref", Code: "unknown"}},
		"a mapping of nothing":  {ImportPurchases, ImportOptions{Columns: map[string]string{"shoe": "N"}}, "N,D,T\n", 0, "[]", db.Invalid{Field: "columns.shoe", Code: "unknown"}},
		"no total":              {ImportPurchases, ImportOptions{}, "ref,date\n1,2026-11-01\n", 0, "[]", db.Invalid{Field: "columns.total", Code: "required"}},
		"nothing at all":        {ImportPurchases, ImportOptions{}, "", 0, "[]", db.Invalid{Field: "file", Code: "required"}},
		"a wrong currency":      {ImportPurchases, ImportOptions{Currency: "NTD"}, "ref,date,total\n", 0, "[]", db.Invalid{Field: "currency", Code: "currency"}},
		"headings only":         {ImportPurchases, ImportOptions{}, "ref,date,total\n", 0, "[]", nil},
		"unknown kind":          {"shoes", ImportOptions{}, "ref,date,total\n", 0, "[]", db.Invalid{Field: "kind", Code: "unknown"}},
		"returns":               {ImportPurchases, ImportOptions{}, "ref,date,type,original receipt,sku,amount\n1,2026-11-01,退貨,0,a,100\n2,2026-11-01,gift,,a,1\n", 1, "[{3 kind kind}]", nil},
		"lines of JSON":         {ImportPurchases, ImportOptions{}, `{"source":"pos","ref":"1","at":"2026-11-01T10:00:00+08:00","currency":"TWD","lines":[{"sku":"a","amount":100}]}` + "\n\n" + `{"ref":"2","at":"x"}` + "\n" + `{"ref":"3","shoe":1}` + "\n{\n" + `{"ref":"4","at":"2026-11-01T10:00:00Z","total":5} x` + "\n" + `{"ref":"5","at":"2026-11-01T10:00:00Z","lines":[{"sku":"a"},{"quantity":2}]}`, 1, "[{3 row malformed} {4 row malformed} {5 row malformed} {6 row malformed} {7 lines.2.sku required}]", nil},
		"products":              {ImportProducts, ImportOptions{}, "商品編號,品名,品牌,分類,貨號,色號,售價,門市,上市日期,特性\nP1,絲緞氣墊,Rosée,cushion,S1,21,1680,,2026-11-20,category:cushion finish:dewy\nP1,絲緞氣墊,Rosée,cushion,S1,21,1580,Banqiao,,\nP1,絲緞氣墊,Rosée,cushion,S2,23,1680,,,\nP2,X,Nobody,,,,,,,\nP3,Y,,,S9,,dear,,,\n", 1, "[{5 brand unknown} {6 price number}]", nil},
		"products by SKU":       {ImportProducts, ImportOptions{}, "sku,name,price\nA,a,1\nB,b,2.50\n", 2, "[]", nil},
		"a bad variant of many": {ImportProducts, ImportOptions{}, "ref,name,sku,hex\nP,p,A,#ffffff\nP,p,B,pink\n", 0, "[{2 ref with_other} {3 colour colour}]", nil},
	}
	each(t, func(t *testing.T, h *house) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				bad := []RowError{}
				c.o.Source = name
				p, err := h.ImportFile(t.Context(), staff.System(), FileImport{Kind: c.kind, Name: name, From: strings.NewReader(c.file), Options: c.o,
					Tell: func(_ Progress, b []RowError) { bad = append(bad, b...) }})
				if fmt.Sprint(err) != fmt.Sprint(c.problem) {
					t.Fatalf("error %v", err)
				}
				for i := range bad { // see TestWhatIsWrongIsShown
					bad[i].Value = ""
				}
				got := strings.ReplaceAll(fmt.Sprint(bad), " }", "}")
				if p.Added != c.added || got != c.bad {
					t.Errorf("%d added, bad %v", p.Added, bad)
				}
			})
		}
	})
}

func many1(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,2026-11-01,a,1\n", i)
	}
	return b.String()
}

func TestUploadPreviewRun(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		file := "ref,date,sku,amount\n" + many1(2500) + "bad,when,a,1\n"
		up := func(v staff.Viewer, k ImportKind, text string) (Import, error) {
			return h.Upload(t.Context(), v, ImportUpload{Kind: k, Name: "till.csv", From: strings.NewReader(text)})
		}
		if _, err := up(h.mei, ImportPurchases, file); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("an advisor uploads: %v", err)
		}
		if _, err := up(h.admin, ImportPurchases, ""); !errors.Is(err, db.Invalid{Field: "file", Code: "required"}) {
			t.Errorf("an empty file: %v", err)
		}
		i, err := up(h.admin, ImportPurchases, file)
		check(t, err)
		raw, _, err := h.Blobs.Get(t.Context(), blobKey(i.ID))
		check(t, err)
		var sealed bytes.Buffer
		sealed.ReadFrom(raw)
		raw.Close()
		if bytes.Contains(sealed.Bytes(), []byte("2026-11-01")) {
			t.Error("the file is kept in clear")
		}
		p, err := h.Preview(t.Context(), h.admin, i.ID, ImportOptions{})
		check(t, err)
		if p.Total != 2501 || p.New != 2500 || p.Bad != 1 || len(p.Sample) != sampleRows || p.Columns["ref"] != "ref" || p.Errors[0] != (RowError{2502, "at", "date", "when"}) {
			t.Errorf("preview: %+v", p)
		}
		if n := h.count(`SELECT COUNT(*) FROM purchase`); n != 0 {
			t.Errorf("a preview wrote %d", n)
		}
		h.write(func(tx *db.Tx) error { _, err := h.RunImport(tx, h.admin, i.ID, ImportOptions{}); return err })
		if err := h.DB.Write(t.Context(), func(tx *db.Tx) error { _, err := h.RunImport(tx, h.admin, i.ID, ImportOptions{}); return err }); !errors.Is(err, db.Invalid{Field: "import", Code: "fixed"}) {
			t.Errorf("run twice: %v", err)
		}
		// The house stops after the first batch, and is started again.
		run, err := h.open2(t, i)
		check(t, err)
		b, err := run.Next()
		check(t, err)
		check(t, h.prepareBatch(t.Context(), run, b, i.ID))
		h.write(func(tx *db.Tx) error {
			part, bad, err := h.settle(tx, b, writing{importID: i.ID, by: i.By, write: true})
			check(t, err)
			return keep(tx, i.ID, part, bad)
		})
		j := job.Job{Kind: JobImport, Args: []byte(`{"import":"` + i.ID + `"}`)}
		for range 2 { // a job may run once more than it should
			_, err = h.Handlers()[JobImport](t.Context(), j)
			check(t, err)
		}
		h.read(func(tx *db.Tx) error {
			i, err = h.ImportByID(tx, h.admin, i.ID)
			check(t, err)
			if i.State != ImportDone || i.Added != 2500 || i.Repeated != 0 || i.Bad != 1 || i.Settled != 2501 || i.Total != 2501 || i.DoneAt.IsZero() {
				t.Errorf("done: %+v", i)
			}
			bad, err := h.ImportErrors(tx, h.admin, i.ID, 0, 10)
			check(t, err)
			if len(bad) != 1 || bad[0].Line != 2502 {
				t.Errorf("errors: %v", bad)
			}
			if _, err := h.ImportByID(tx, h.mei, i.ID); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("an advisor sees it: %v", err)
			}
			list, err := h.Imports(tx, h.admin, 0)
			if err != nil || len(list) != 2 || list[0].ID != i.ID {
				t.Errorf("list: %+v %v", list, err)
			}
			return nil
		})
		if _, _, err := h.Blobs.Get(t.Context(), blobKey(i.ID)); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("the file is still there: %v", err)
		}
		if n := h.count(`SELECT COUNT(*) FROM vault_key WHERE customer_id LIKE 'imp_%'`); n != 0 {
			t.Errorf("%d keys are left", n)
		}

		dropped, err := up(h.admin, ImportProducts, "ref,name\n")
		check(t, err)
		check(t, h.DropImport(t.Context(), h.admin, dropped.ID))
		if _, err := h.Preview(t.Context(), h.admin, dropped.ID, ImportOptions{}); err == nil {
			t.Error("a preview of what was dropped")
		}
	})
}

func (h *house) open2(t *testing.T, i Import) (*importReader, error) {
	plain, file, err := h.open(t.Context(), i.ID)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { file.Close() })
	return newImportReader(i.Kind, plain, ImportOptions{})
}

func TestWriteErrors(t *testing.T) {
	var out bytes.Buffer
	check(t, WriteErrorHeadings(&out))
	check(t, WriteErrors(&out, []RowError{{7, "=cmd|' /C calc'!A0", "@x", "+886"}, {8, "a,b", "-1", ""}}))
	if want := "line,field,code,value\n7,'=cmd|' /C calc'!A0,'@x,'+886\n8,\"a,b\",'-1,\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}
