package api

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/staff"
)

var (
	curlBlock  = regexp.MustCompile("(?s)```sh\n(curl .*?)```")
	curlStart  = regexp.MustCompile(`^curl -X ([A-Z]+) "\$DINGDONG([^"]+)"`)
	curlHeader = regexp.MustCompile(`-H "([^:"]+): ([^"]*)"`)
	curlData   = regexp.MustCompile(`(?s)-d '([^']*)'`)
)

// TestTheGuideWorks makes the calls of docs/api-import.md, twice: the second time
// they change nothing.
func TestTheGuideWorks(t *testing.T) {
	guide, err := os.ReadFile("../../docs/api-import.md")
	if err != nil {
		t.Fatal(err)
	}
	eachHouse(t, func(t *testing.T, h *house) {
		token := h.tokenWith(staff.CatalogueWrite, staff.CustomersRead, staff.CustomersWrite, staff.PurchasesRead, staff.PurchasesWrite, staff.StaffRead)
		customer := ""
		for round := range 2 {
			blocks := curlBlock.FindAllSubmatch(guide, -1)
			if len(blocks) < 9 {
				t.Fatalf("%d calls in the guide", len(blocks))
			}
			for _, block := range blocks {
				text := strings.NewReplacer("$COUNTER", h.counter, "$CUSTOMER", customer, "$DINGDONG_TOKEN", token).Replace(string(block[1]))
				start := curlStart.FindStringSubmatch(text)
				if start == nil {
					t.Fatalf("not a call: %s", text)
				}
				c := call{method: start[1], path: start[2], header: map[string]string{}}
				for _, one := range curlHeader.FindAllStringSubmatch(text, -1) {
					c.header[one[1]] = one[2]
				}
				if data := curlData.FindStringSubmatch(text); data != nil {
					c.body = data[1]
				}
				a := h.do(c)
				if a.status != 200 && a.status != 201 {
					t.Fatalf("%s %s: %d %s", c.method, c.path, a.status, a.body)
				}
				var got struct {
					ID        string
					Bad       int
					Results   []RowResult
					Purchases []Purchase
					Customers []Customer
				}
				if err := json.Unmarshal(a.body, &got); err != nil {
					t.Fatal(err)
				}
				if c.path == "/api/v1/customers" {
					if customer != "" && customer != got.ID {
						t.Error("the same member is two")
					}
					customer = got.ID
				}
				if got.Bad > 0 {
					t.Errorf("%s: %s", c.path, a.body)
				}
				for _, r := range got.Results {
					if want := []string{"added", "repeated"}[round]; string(r.State) != want {
						t.Errorf("%s, round %d: %+v", c.path, round, r)
					}
				}
				if strings.Contains(c.path, "/purchases?") && (len(got.Purchases) != 2 || got.Purchases[0].Kind != "return" || got.Purchases[0].Total != -128000) {
					t.Errorf("%+v", got.Purchases)
				}
				if strings.Contains(c.path, "?member=") && (len(got.Customers) != 1 || got.Customers[0].ID != customer) {
					t.Errorf("%+v", got.Customers)
				}
			}
		}
		var card Card
		h.get(prefix+"/customers/"+customer, &card)
		if card.Name != "Wong Ka Yan" || len(card.Attributes) != 2 || len(card.Tags) != 1 || len(card.Notes) != 1 || len(card.Contacts) != 2 {
			t.Errorf("%+v", card)
		}
	})
}
