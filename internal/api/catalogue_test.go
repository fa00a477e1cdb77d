package api

import (
	"fmt"
	"strings"
	"testing"

	"dingdong/internal/staff"
)

func TestCatalogue(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		var out resultsOutput
		h.ask("POST", "/products", m{"products": []m{
			{"ref": "A", "name": "Cushion", "brand": "Rose", "variants": []m{{"sku": "A-1", "arrived_at": "2026-01-01T00:00:00Z", "facets": []string{"finish:dewy"},
				"prices": []m{{"amount": 128000, "currency": "TWD"}, {"amount": 118000, "currency": "TWD", "store": "South"}}}}},
			{"ref": "B"},
			{"ref": "C", "name": "Mask", "variants": []m{{"sku": "C-1", "colour": "rose"}}},
			{"ref": "D", "name": "Tonic", "brand": "Nobody"},
			{"ref": "E", "name": "Balm"},
		}}, 200, &out.Body)
		want := []string{"added  ", "bad name required", "bad variants.0.colour colour", "bad brand unknown", "added  "}
		if out.Body.Bad != 3 {
			t.Errorf("%d are bad", out.Body.Bad)
		}
		for i, r := range out.Body.Results {
			if got := fmt.Sprint(r.State, " ", r.Field, " ", r.Code); strings.ReplaceAll(got, ".1.", ".0.") != want[i] || r.State == "bad" && r.Why == "" {
				t.Errorf("row %d: %+v, want %s", i, r, want[i])
			}
		}
		var list productsOutput
		h.get(prefix+"/products?limit=1", &list.Body)
		if len(list.Body.Products) != 1 || list.Body.Products[0].Name != "Balm" || list.Body.Next == "" {
			t.Fatalf("%+v", list)
		}
		h.get(prefix+"/products?limit=1&cursor="+list.Body.Next, &list.Body)
		cushion := list.Body.Products[0]
		if cushion.Ref != "A" || len(cushion.Variants) != 1 || len(cushion.Variants[0].Prices) != 2 || cushion.Variants[0].Prices[0].Store != "" {
			t.Errorf("%+v", cushion)
		}
		var one Product
		h.get(prefix+"/products/"+cushion.ID, &one)
		var arrivals arrivalsOutput
		h.get(prefix+"/arrivals?since=2025-12-01T00:00:00Z", &arrivals.Body)
		if one.ID != cushion.ID || len(arrivals.Body.Arrivals) != 1 || arrivals.Body.Arrivals[0].Variant.SKU != "A-1" || arrivals.Body.Arrivals[0].Product.ID != one.ID {
			t.Errorf("%+v %+v", one, arrivals)
		}
		if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'api.write' AND detail = 'products'`); n != 1 {
			t.Errorf("%d batches on record", n)
		}
	})
}

func TestBatchesAreBounded(t *testing.T) {
	h := sqlite(t)
	many := make([]m, 1001)
	for i := range many {
		many[i] = m{"ref": fmt.Sprint(i)}
	}
	for name, c := range map[string]struct {
		path   string
		body   any
		status int
		kind   string
		field  string
	}{
		"1,001 products":    {"/products", m{"products": many}, 422, "invalid", "products"},
		"no products":       {"/products", m{"products": []m{}}, 422, "invalid", "products"},
		"1,001 purchases":   {"/purchases", m{"purchases": many}, 422, "invalid", "purchases"},
		"an unknown field":  {"/purchases", m{"purchases": []m{{"ref": "1", "sum": 3}}}, 422, "invalid", "purchases[0].sum"},
		"an amount in text": {"/purchases", m{"purchases": []m{{"ref": "1", "total": "3"}}}, 422, "invalid", "purchases[0].total"},
		"17 megabytes":      {"/products", m{"products": []m{{"ref": strings.Repeat("x", 17<<20)}}}, 413, "too-large", ""},
		"no product":        {"/products/prd_0", nil, 405, "method-not-allowed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := problemOf(t, h.ask("POST", c.path, c.body, c.status, nil), c.status, c.kind)
			if c.field != "" && p.Errors[0].Field != c.field {
				t.Errorf("%+v", p)
			}
		})
	}
	problemOf(t, h.ask("GET", "/products/prd_0", nil, 404, nil), 404, "not-found")
	problemOf(t, h.ask("GET", "/products?cursor=x", nil, 422, nil), 422, "invalid")
	problemOf(t, h.ask("GET", "/arrivals", nil, 422, nil), 422, "invalid")
	problemOf(t, h.ask("GET", "/customers/cus_0/purchases", nil, 404, nil), 404, "not-found")
	var out resultsOutput
	h.ask("POST", "/purchases", m{"purchases": many[:1000]}, 200, &out.Body) // a thousand bad rows
	if out.Body.Bad != 1000 || out.Body.Results[7].Ref != "7" || out.Body.Results[7].Field == "" {
		t.Errorf("%d bad, %+v", out.Body.Bad, out.Body.Results[7])
	}
}

func TestPurchasesInAHistoryNeedTheirScope(t *testing.T) {
	h := sqlite(t)
	h.says("amy", "hello")
	id := h.customerOf("amy")
	h.ask("POST", "/purchases", m{"purchases": []m{{"source": "till", "ref": "1", "customer": id, "at": "2026-01-01T00:00:00Z", "currency": "TWD", "lines": []m{{"sku": "x", "amount": 100}}}}}, 200, nil)
	many := make([]m, 100)
	for i := range many {
		many[i] = m{"source": "till", "ref": fmt.Sprint("r", i), "customer": id, "at": fmt.Sprintf("2025-01-01T00:%02d:00Z", i/2), "currency": "TWD", "lines": []m{{"sku": "x", "amount": 100}}}
	}
	h.ask("POST", "/purchases", m{"purchases": many}, 200, nil)
	var page purchasesOutput
	h.get(prefix+"/customers/"+id+"/purchases?limit=100", &page.Body)
	first := page.Body.Next
	h.get(prefix+"/customers/"+id+"/purchases?limit=100&cursor="+first, &page.Body)
	if first == "" || len(page.Body.Purchases) != 1 || page.Body.Purchases[0].Customer != id {
		t.Errorf("after %q: %+v", first, page)
	}
	at := prefix + "/customers/" + id + "/timeline"
	if a := h.do(call{path: at, token: h.token}); !strings.Contains(string(a.body), `"purchase"`) {
		t.Errorf("%s", a.body)
	}
	if a := h.do(call{path: at, token: h.tokenWith(staff.CustomersRead)}); a.status != 200 || strings.Contains(string(a.body), `"purchase"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestCardsForCounters(t *testing.T) {
	h := sqlite(t)
	var made, again Invitation
	h.ask("POST", "/cards", m{"account": h.account.ID, "counter": h.counter, "advisor": h.advisor.ID}, 200, &made)
	h.ask("POST", "/cards", m{"account": h.account.ID, "counter": h.counter, "advisor": h.advisor.ID}, 200, &again)
	if made.ID != again.ID || !strings.Contains(made.Link, made.Code) || made.Advisor != h.advisor.ID {
		t.Errorf("%+v %+v", made, again)
	}
	var list invitationsOutput
	h.get(prefix+"/cards", &list.Body)
	var choose choosableOutput
	h.get(prefix+"/accounts/"+h.account.ID+"/advisors", &choose.Body)
	if len(list.Body.Cards) != 1 || len(choose.Body.Counters) != 1 || choose.Body.Counters[0].Advisors[0].ID != h.advisor.ID {
		t.Errorf("%+v %+v", list, choose)
	}
	h.ask("DELETE", "/cards/"+made.ID, nil, 204, nil)
	h.ask("DELETE", "/cards/"+made.ID, nil, 404, nil)
	h.ask("GET", "/accounts/acc_0/advisors", nil, 404, nil)
	for field, body := range map[string]m{
		"account": {"account": "acc_0", "counter": h.counter}, "counter": {"account": h.account.ID, "counter": "cnt_0"},
		"advisor": {"account": h.account.ID, "counter": h.counter, "advisor": h.manager.ID},
	} {
		if p := problemOf(t, h.ask("POST", "/cards", body, 422, nil), 422, "invalid"); p.Errors[0].Field != field {
			t.Errorf("%s: %+v", field, p)
		}
	}
}

func TestLexicons(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		yaml := "language: en\nversion: 1\nrules:\n  - {id: r, phrases: [shimmer], tag: \"finish:shimmer\"}\n"
		var tried tryOutput
		h.ask("POST", "/lexicons/try", m{"yaml": yaml, "sentences": []string{"some shimmer please", "nothing"}}, 200, &tried.Body)
		if len(tried.Body.Results) != 2 || len(tried.Body.Results[0].Findings) != 1 || tried.Body.Results[0].Findings[0].About != "finish:shimmer" {
			t.Errorf("%+v", tried)
		}
		var draft, live Lexicon
		h.ask("POST", "/lexicons", m{"language": "en", "yaml": yaml, "note": "spring"}, 201, &draft)
		h.ask("PUT", "/lexicons/"+draft.ID, m{"language": "en", "yaml": strings.Replace(yaml, "shimmer]", "shimmer, glow]", 1)}, 200, &draft)
		h.ask("POST", "/lexicons/"+draft.ID+"/publish", nil, 200, &live)
		if live.State != "live" || !strings.Contains(live.YAML, "glow") || !strings.HasPrefix(live.By, "token/") {
			t.Errorf("%+v", live)
		}
		var list lexiconsOutput
		h.get(prefix+"/lexicons?language=en&state=live", &list.Body)
		if len(list.Body.Lexicons) != 1 || list.Body.Lexicons[0].YAML != "" {
			t.Errorf("%+v", list)
		}
		h.get(prefix+"/lexicons/"+live.ID, &live)
		h.ask("DELETE", "/lexicons/"+live.ID, nil, 404, nil) // no draft any more
		h.ask("POST", "/lexicons", m{"language": "en", "yaml": yaml}, 201, &draft)
		h.ask("DELETE", "/lexicons/"+draft.ID, nil, 204, nil)
		h.ask("POST", "/lexicons/lex_0/publish", nil, 404, nil)
		h.ask("GET", "/lexicons/lex_0", nil, 404, nil)
		for name, body := range map[string]m{
			"not YAML":         {"language": "en", "yaml": "rules: [}"},
			"another language": {"language": "th", "yaml": yaml},
			"an unknown field": {"language": "en", "yaml": yaml + "shoes: 1\n"},
			"an alias":         {"language": "en", "yaml": "a: &a [1]\nb: *a\n"},
		} {
			p := problemOf(t, h.ask("POST", "/lexicons", body, 422, nil), 422, "invalid")
			if p.Errors[0].Field != "yaml" || p.Errors[0].Message == "" {
				t.Errorf("%s: %+v", name, p)
			}
		}
		problemOf(t, h.ask("POST", "/lexicons/try", m{"yaml": yaml, "sentences": []string{strings.Repeat("x", 3000)}}, 422, nil), 422, "invalid")
		problemOf(t, h.ask("POST", "/lexicons/try", m{"yaml": strings.Repeat("x", 5<<20), "sentences": []string{"x"}}, 413, nil), 413, "too-large")
	})
}
