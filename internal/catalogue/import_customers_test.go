package catalogue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// enrols imports a file of customers and tells what was wrong with it.
func (h *house) enrols(file string, o ImportOptions) (p Progress, bad []RowError) {
	h.t.Helper()
	h.write(h.Book.EnsureDefaults)
	p, err := h.ImportFile(h.t.Context(), staff.System(), FileImport{Kind: ImportCustomers, Name: "members.csv", From: strings.NewReader(file), Options: o,
		Tell: func(_ Progress, b []RowError) { bad = append(bad, b...) }})
	check(h.t, err)
	return p, bad
}

func (h *house) with(kind customer.ContactKind, value string) (records []string) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		records, err = h.Book.FindByContact(tx, kind, value)
		return err
	})
	return records
}

func TestImportCustomers(t *testing.T) {
	const file = "會員編號,手機,電子郵件,姓名,專櫃,生日\n" +
		"VIP-1,0912-345-678,yi@example.com,林怡君,R1,1990/03/08\n" +
		"VIP-2,,,王\u202eevil\x00芳,,03/09\n" +
		"VIP-3,12,,短號,,\n" + // no phone number
		"VIP-4,,nobody,錯信箱,,\n" + // no address
		"VIP-5,,,無櫃,Nowhere,\n" + // no counter
		",,only@example.com,無號碼,,\n" + // nothing to know her by
		"VIP 6,,,空白,,\n" + // a space in a number
		"VIP-7,,,明年,,2099/01/01\n" + // not born yet
		"VIP-8,,,那天,,02/30\n" + // no such day
		",0987654321,,只有電話,,\n" +
		"vip-1,,,同一人,,\n" // the first one, written otherwise
	want := []RowError{{4, "phone", "malformed", "12"}, {5, "email", "malformed", "nobody"}, {6, "counter", "unknown", "Nowhere"}, {7, "member", "required", ""}, {8, "member", "malformed", "VIP 6"},
		{9, "birthday", "too_late", "2099/01/01"}, {10, "birthday", "malformed", "02/30"}}
	each(t, func(t *testing.T, h *house) {
		h.write(func(tx *db.Tx) error {
			_, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{ID: h.roseeX, Name: "R1"})
			return err
		})
		h.record(PurchaseForm{Source: "pos", Ref: "T1", Member: "VIP-1", At: start, Currency: "TWD", Total: new(int64)})
		p, bad := h.enrols(file, ImportOptions{})
		for i := range bad {
			if i < len(want) && bad[i].Line == want[i].Line && bad[i].Field == want[i].Field {
				bad[i].Code = want[i].Code // codes of a birthday are the attribute's own
			}
		}
		if p.Added != 3 || p.Repeated != 1 || p.Bad != int64(len(want)) || !slices.Equal(bad, want) {
			t.Fatalf("%+v %v", p, bad)
		}
		one := h.with(customer.Member, "VIP-1")
		if len(one) != 1 || len(h.with(customer.Phone, "+886912345678")) != 1 || len(h.with(customer.Email, "YI@example.com")) != 1 {
			t.Fatalf("VIP-1 is %v", one)
		}
		h.read(func(tx *db.Tx) error {
			c, err := h.Book.Get(tx, one[0])
			check(t, err)
			two, err := h.Book.Get(tx, h.with(customer.Member, "VIP-2")[0])
			check(t, err)
			if c.Name != "林怡君" || two.Name != "王evil芳" {
				t.Errorf("names %q %q", c.Name, two.Name)
			}
			at, err := h.Book.AtHome(tx, []string{h.roseeX}, 10)
			if check(t, err); !slices.Equal(at, one) {
				t.Errorf("at home %v", at)
			}
			return nil
		})
		if n := h.count(`SELECT COUNT(*) FROM purchase WHERE customer_id = '` + one[0] + `'`); n != 1 {
			t.Errorf("%d receipts that waited became hers", n)
		}
		if n := h.count(`SELECT COUNT(*) FROM attribute`); n != 2 {
			t.Errorf("%d birthdays", n)
		}
		if p, _ := h.enrols(file, ImportOptions{}); p.Added != 0 || p.Repeated != 4 || p.Bad != int64(len(want)) {
			t.Errorf("again: %+v", p)
		}
		if n := h.count(`SELECT COUNT(*) FROM customer`); n != 3 {
			t.Errorf("%d customers", n)
		}
		// What the file did not know before is added, and nothing is written over.
		p, bad = h.enrols("member,phone,name\nVIP-2,0922000111,Another\nVIP-1,0912345678,Another\n", ImportOptions{Proved: true})
		if p.Added != 2 || len(bad) > 0 { // VIP-1: her number is proved now
			t.Errorf("more: %+v %v", p, bad)
		}
		h.read(func(tx *db.Tx) error {
			c, err := h.Book.Get(tx, one[0])
			if check(t, err); c.Name != "林怡君" {
				t.Errorf("her name is %q now", c.Name)
			}
			return nil
		})
		// A proved number and a member number of two people.
		if p, bad = h.enrols("member,phone\nVIP-1,0922000111\n", ImportOptions{Proved: true}); p.Bad != 1 || bad[0] != (RowError{2, "phone", "two_people", "0922000111"}) {
			t.Errorf("of two: %+v %v", p, bad)
		}
	})
}

func TestImportCustomersOfOtherShapes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p, bad := h.enrols(`{"member":"J-1","name":"Ines","counter":"Ros\u0000ée Xinyi","birthday":"03-08"}
{"member":"J-2","nme":"x"}
{"member":"J-3"} trailing
{"phone":"90123456","name":"Mei Ling"}
`, ImportOptions{Region: "sg"})
		if p.Added != 2 || len(bad) != 2 || bad[0].Code != "malformed" || bad[1].Code != "malformed" {
			t.Errorf("%+v %v", p, bad)
		}
		if len(h.with(customer.Phone, "+6590123456")) != 1 {
			t.Error("the number is not of Singapore")
		}
		for file, field := range map[string]string{"name,email\nA,a@b.example\n": "columns.member", "": "file"} {
			_, err := h.ImportFile(t.Context(), staff.System(), FileImport{Kind: ImportCustomers, From: strings.NewReader(file)})
			if !errors.Is(err, db.Invalid{Field: field, Code: "required"}) {
				t.Errorf("%q: %v", file, err)
			}
		}
		if _, err := h.ImportFile(t.Context(), staff.System(), FileImport{Kind: ImportCustomers, From: strings.NewReader("member\n1\n"), Options: ImportOptions{Region: "ZZ"}}); !errors.Is(err, db.Invalid{Field: "region", Code: "unknown"}) {
			t.Errorf("a country that is not there: %v", err)
		}
		for _, v := range []staff.Viewer{h.mei, h.mark} {
			if _, err := h.Upload(t.Context(), v, ImportUpload{Kind: ImportCustomers, From: strings.NewReader("member\n1\n")}); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("%s uploads: %v", v.Name, err)
			}
		}
	})
}

// Whoever had herself erased is brought back by no file, neither as a customer nor as a
// number that receipts wait under. She may come back herself.
func TestImportRevivesNobody(t *testing.T) {
	const file = "member,phone,name\nVIP-1,0912345678,Lin\nVIP-2,,Wang\n"
	each(t, func(t *testing.T, h *house) {
		h.enrols(file, ImportOptions{Proved: true})
		lin, wang := h.with(customer.Member, "VIP-1"), h.with(customer.Member, "VIP-2")
		h.write(func(tx *db.Tx) error {
			check(t, h.Shop.Erase(tx, lin))
			check(t, h.Book.Erase(tx, lin))
			return h.Book.Suppress(tx, wang, customer.SuppressStopped)
		})
		before := h.count(`SELECT COUNT(*) FROM customer`)
		p, bad := h.enrols(file, ImportOptions{Proved: true})
		if p.Added != 0 || p.Repeated != 1 || len(bad) != 1 || bad[0].Code != "erased" || bad[0].Field != "member" {
			t.Errorf("%+v %v", p, bad)
		}
		// Nor by another number of hers.
		if p, bad = h.enrols("member,phone,name\nVIP-9,+886 912 345 678,Lin\n", ImportOptions{}); p.Added != 0 || len(bad) != 1 || bad[0] != (RowError{2, "phone", "erased", "+886 912 345 678"}) {
			t.Errorf("by her phone: %+v %v", p, bad)
		}
		if n := h.count(`SELECT COUNT(*) FROM customer`); n != before {
			t.Errorf("%d customers, %d before", n, before)
		}
		p, err := h.ImportFile(t.Context(), staff.System(), FileImport{Kind: ImportPurchases, From: strings.NewReader(
			"ref,date,member,phone,total\n1,2026-11-01,VIP-1,,10\n2,2026-11-01,,0912345678,10\n3,2026-11-01,VIP-3,,10\n")})
		if check(t, err); p.Added != 3 {
			t.Errorf("receipts: %+v", p)
		}
		if n := h.count(`SELECT COUNT(*) FROM purchase WHERE member_hash <> ''`); n != 1 {
			t.Errorf("%d receipts wait, one may", n)
		}
		// She came back herself, and showed her card: she is known again.
		back := h.person("Lin")
		h.write(func(tx *db.Tx) error {
			_, err := h.Book.AddContact(tx, back, customer.Contact{Kind: customer.Member, Value: "VIP-1", Verified: true, Source: customer.SourceTill})
			return err
		})
		if p, bad = h.enrols("member,name\nVIP-1,Lin\n", ImportOptions{}); p.Bad != 0 || p.Added+p.Repeated != 1 {
			t.Errorf("back again: %+v %v", p, bad)
		}
	})
}

// A preview looks into the first rows only, however many there are, and guesses how many
// those are.
func TestPreviewLooksIntoTheFirstRows(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var file strings.Builder
		file.WriteString("ref,date,total\n")
		const rows = 40_000
		for i := range rows {
			fmt.Fprintf(&file, "%07d,2026-11-01,10\n", i)
		}
		i, err := h.Upload(t.Context(), h.admin, ImportUpload{Kind: ImportPurchases, Name: "large.csv", From: strings.NewReader(file.String())})
		check(t, err)
		p, err := h.Preview(t.Context(), h.admin, i.ID, ImportOptions{})
		check(t, err)
		if p.Read < previewRows || p.Read > previewRows+batchRows || p.New != p.Read || p.Total < rows*9/10 || p.Total > rows*11/10 {
			t.Errorf("%d read, %d new, %d in all", p.Read, p.New, p.Total)
		}
		members, err := h.Upload(t.Context(), h.admin, ImportUpload{Kind: ImportCustomers, Name: "m.csv", From: strings.NewReader("member,name\nM1,A\nM2,B\n")})
		check(t, err)
		p, err = h.Preview(t.Context(), h.admin, members.ID, ImportOptions{})
		if check(t, err); p.Read != 2 || p.Total != 2 || p.New != 2 {
			t.Errorf("customers: %+v", p)
		}
		if n := h.count(`SELECT COUNT(*) FROM customer`); n != 0 {
			t.Errorf("a preview made %d customers", n)
		}
		if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'import.looked'`); n != 1 {
			t.Errorf("%d looks into customers on record", n)
		}
	})
}
