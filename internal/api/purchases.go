package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/catalogue"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Purchase is a receipt of a till, or a return.
type Purchase struct {
	ID         string         `json:"id" example:"pur_06hk2q8s1n7v0000000000000v"`
	Source     string         `json:"source" doc:"The till system." example:"till"`
	Ref        string         `json:"ref" doc:"Its own number of the receipt." example:"2026-11-22/0017"`
	Kind       catalogue.Kind `json:"kind" enum:"sale,return" example:"sale"`
	ReturnsRef string         `json:"returns_ref,omitempty" doc:"Of a return: the receipt it takes back."`
	Customer   string         `json:"customer" doc:"The record it belongs to: one of the card's records."`
	Store      string         `json:"store,omitempty"`
	Counter    string         `json:"counter,omitempty"`
	Advisor    string         `json:"advisor,omitempty"`
	At         time.Time      `json:"at"`
	Total      int64          `json:"total" doc:"In minor units; of a return negative." example:"128000"`
	Currency   string         `json:"currency" example:"TWD"`
	Lines      []PurchaseLine `json:"lines"`
}

// PurchaseLine is one line of a receipt, with what the catalogue knows of it.
type PurchaseLine struct {
	SKU      string `json:"sku" example:"ROSE-CUSHION-21"`
	Name     string `json:"name,omitempty" doc:"The product's, else what the till printed." example:"Rose cushion"`
	Quantity int64  `json:"quantity" example:"1"`
	Amount   int64  `json:"amount" doc:"Of the line, in minor units." example:"128000"`
	Product  string `json:"product,omitempty" doc:"Absent: the catalogue does not have it."`
	Variant  string `json:"variant,omitempty"`
}

// PurchaseRow is a receipt as your till tells it.
type PurchaseRow struct {
	Source     string            `json:"source,omitempty" doc:"Required: the till system. With ref it names the receipt: it is recorded once." example:"till"`
	Ref        string            `json:"ref,omitempty" doc:"Required: its own number of the receipt." example:"2026-11-22/0017"`
	Kind       string            `json:"kind,omitempty" doc:"sale or return; absent: sale." example:"sale"`
	ReturnsRef string            `json:"returns_ref,omitempty" doc:"Of a return: the receipt it takes back."`
	Customer   string            `json:"customer,omitempty" doc:"Who bought, by id; else member or phone, or nobody."`
	Member     string            `json:"member,omitempty" doc:"Whose number nobody has shown yet gets the receipt once somebody has." example:"VIP-004711"`
	Phone      string            `json:"phone,omitempty"`
	Store      string            `json:"store,omitempty" doc:"Id or name." example:"North"`
	Counter    string            `json:"counter,omitempty" doc:"Id or name."`
	Advisor    string            `json:"advisor,omitempty" doc:"Id or e-mail address."`
	At         *time.Time        `json:"at,omitempty" doc:"Required." example:"2026-11-22T05:00:00Z"`
	Total      *int64            `json:"total,omitempty" doc:"In minor units, of a return negative; absent: the sum of the lines." example:"128000"`
	Currency   string            `json:"currency,omitempty" doc:"Required, ISO 4217." example:"TWD"`
	Lines      []PurchaseLineRow `json:"lines,omitempty"`
}

// PurchaseLineRow is one line of a receipt as your till tells it.
type PurchaseLineRow struct {
	SKU      string `json:"sku,omitempty" doc:"Required." example:"ROSE-CUSHION-21"`
	Name     string `json:"name,omitempty" doc:"As the till printed it." example:"ROSE CUSHION 21"`
	Quantity int64  `json:"quantity,omitempty" doc:"Absent: one; of a return negative, or positive as tills print it." example:"1"`
	Amount   int64  `json:"amount" doc:"Of the whole line, in minor units; of a return negative." example:"128000"`
}

type recordPurchasesInput struct {
	Body struct {
		Purchases []PurchaseRow `json:"purchases" minItems:"1" maxItems:"1000"`
	}
}

type purchasesOutput struct {
	Body struct {
		Purchases []Purchase `json:"purchases" doc:"The latest first, returns too."`
		Next      string     `json:"next,omitempty" doc:"The cursor of the next page; absent: there is none."`
	}
}

func (s *server) purchaseOperations() {
	register(s, huma.Operation{OperationID: "list-purchases", Method: http.MethodGet, Path: prefix + "/customers/{id}/purchases", Tags: []string{tagPurchases},
		Summary: "List what a customer bought", Security: needs(staff.PurchasesRead)}, s.listPurchases)
	register(s, huma.Operation{OperationID: "record-purchases", Method: http.MethodPost, Path: prefix + "/purchases", Tags: []string{tagPurchases}, MaxBodyBytes: maxBatchBody,
		Summary: "Bring in purchases and returns", Security: needs(staff.PurchasesWrite),
		Description: "At most 1,000 receipts a call and 16 MB. Each is recorded once by source and ref, so that a call can be repeated. A bad row is not recorded and does not keep the others out: the answer is 200, with what became of each row."}, s.recordPurchases)
}

func newPurchase(p catalogue.Purchase) Purchase {
	out := Purchase{ID: p.ID, Source: p.Source, Ref: p.Ref, Kind: p.Kind, ReturnsRef: p.ReturnsRef, Customer: p.CustomerID, Store: p.StoreID,
		Counter: p.CounterID, Advisor: p.AdvisorID, At: p.At, Total: p.Total, Currency: p.Currency, Lines: []PurchaseLine{}}
	for _, l := range p.Lines {
		out.Lines = append(out.Lines, PurchaseLine{SKU: l.SKU, Name: l.Name, Quantity: l.Quantity, Amount: l.Amount, Product: l.ProductID, Variant: l.VariantID})
	}
	return out
}

func (r PurchaseRow) form() catalogue.PurchaseForm {
	f := catalogue.PurchaseForm{Source: r.Source, Ref: r.Ref, Kind: catalogue.Kind(r.Kind), ReturnsRef: r.ReturnsRef, CustomerID: r.Customer, Member: r.Member,
		Phone: r.Phone, Store: r.Store, Counter: r.Counter, Advisor: r.Advisor, At: given(r.At), Total: r.Total, Currency: r.Currency}
	for _, l := range r.Lines {
		f.Lines = append(f.Lines, catalogue.LineForm(l))
	}
	return f
}

func (s *server) listPurchases(ctx context.Context, in *pageInput) (*purchasesOutput, error) {
	out := &purchasesOutput{}
	out.Body.Purchases = []Purchase{}
	err := s.card(ctx, in, listPurchases, func(tx *db.Tx, c caller, page customer.Page) error {
		found, err := s.Shop.Purchases(tx, c.Viewer, page.Records, catalogue.Cursor(page.Before), page.Limit)
		found, out.Body.Next = cutPage(in, listPurchases, found, func(p catalogue.Purchase) (time.Time, string) { return p.At, p.ID })
		for _, p := range found {
			out.Body.Purchases = append(out.Body.Purchases, newPurchase(p))
		}
		return err
	})
	return out, err
}

func (s *server) recordPurchases(ctx context.Context, in *recordPurchasesInput) (out *resultsOutput, err error) {
	c := callerOf(ctx)
	forms := make([]catalogue.PurchaseForm, len(in.Body.Purchases))
	for i, r := range in.Body.Purchases {
		forms[i] = r.form()
	}
	err = s.write(ctx, func(tx *db.Tx) error {
		list, err := s.Shop.RecordPurchases(tx, c.Viewer, forms)
		out = newResults(list)
		broughtIn(tx, c, "purchases", list)
		return err
	})
	return out, err
}
