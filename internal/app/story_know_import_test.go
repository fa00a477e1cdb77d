package app

import (
	"os"
	"path/filepath"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/chromedp"
)

// A till's file, as a spreadsheet saves it: three receipts, and two rows that cannot be read.
const tillFile = `receipt,date,member,store,counter,sku,name,quantity,amount
R-1,2024-10-03 14:20,CT-0001,Xinyi,Rosée Xinyi,LIP-214,Lipstick 214,1,1150
R-1,2024-10-03 14:20,CT-0001,Xinyi,Rosée Xinyi,MAS-BK,Mascara,1,980
R-2,2024-10-04 16:05,CT-0001,Xinyi,Rosée Xinyi,LIP-208,Lipstick 208,2,2300
R-3,the fifth,CT-0001,Xinyi,Rosée Xinyi,LIP-201,Lipstick 201,1,1150
R-4,2024-10-06 18:40,CT-0001,Xinyi,Nowhere,LIP-201,Lipstick 201,1,1150
R-5,2024-10-07 19:10,CT-0001,Xinyi,Rosée Xinyi,LIP-201,Lipstick 201,1,1150
`

// figure waits for a number above its words.
func (p *tab) figure(words, number string) {
	p.t.Helper()
	p.until(words+": "+number, js(`(words, number) => [...document.querySelectorAll(".figures > div")].some((el) =>
		el.querySelector("dt").innerText.trim() === words && el.querySelector("dd").innerText.trim() === number)`, words, number))
}

// A file of purchases is looked into, imported with what is wrong beside it, and
// imported again: nothing is there twice.
func aFileOfPurchasesComesIn(t *testing.T, c *chromium) {
	h := newHouse(t)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	her := h.record(lin)
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Book.AddContact(tx, her, customer.Contact{Kind: customer.Member, Value: "CT-0001", Verified: true, Source: customer.SourceTill})
		return err
	})
	file := filepath.Join(t.TempDir(), "tills.csv")
	must(t, os.WriteFile(file, []byte(tillFile), 0o600))
	alex := h.console(c, h.hire("Alex", staff.Admin), "Alex")
	hand := func() {
		t.Helper()
		alex.open("/admin/imports")
		alex.shows("h2", "Hand in a file")
		alex.do(chromedp.SetUploadFiles("#f-file", []string{file}))
		alex.leaves(func() { alex.click("button", "Look into it") })
		alex.shows("h2", "What would happen")
	}

	hand()
	alex.figure("rows", "6")
	alex.figure("new receipts", "3")
	alex.figure("bad rows", "2")
	alex.shows(".sample th", "Receipt number")
	alex.shows(".sample td", "Lipstick 214")
	alex.shows(".bad-rows tr", "Date")
	alex.shows(".bad-rows tr", "Counter")
	if n := h.count("purchase"); n != 0 {
		t.Fatalf("looking into the file wrote %d receipts", n)
	}
	alex.leaves(func() { alex.click("button", "Import") })
	alex.figure("receipts added", "3")
	alex.figure("bad rows", "2")
	alex.reload()
	alex.shows(".bad-rows tr", "Date")
	if rows := alex.texts(".bad-rows tbody tr td:first-child"); len(rows) != 2 || rows[0] != "5" || rows[1] != "6" {
		t.Errorf("the bad rows are those of the lines %q", rows)
	}

	hand()
	alex.figure("there already", "3")
	alex.leaves(func() { alex.click("button", "Import") })
	alex.figure("receipts added", "0")
	alex.figure("there already", "3")
	alex.hides(".going progress", "")
	h.quiet()
	if n, lines := h.count("purchase"), h.count("purchase_line"); n != 3 || lines != 4 {
		t.Errorf("%d receipts of %d lines, not 3 of 4", n, lines)
	}

	mei := h.console(c, h.advisor, "Mei")
	mei.open("/inbox/" + h.thread(lin))
	read[bool](mei, `(document.getElementById("card-purchases").scrollIntoView(), true)`)
	mei.shows("#card-purchases .receipt", "Lipstick 214")
	if rows := mei.texts("#card-purchases .receipt"); len(rows) != 3 {
		t.Errorf("Mei reads %d receipts: %q", len(rows), rows)
	}
}
