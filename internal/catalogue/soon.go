package catalogue

import (
	"context"
	"errors"
	"io"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

var errSoon = errors.New("catalogue: being built")

// Upsert makes products, or changes them to what the forms say.
func (s *Shop) Upsert(tx *db.Tx, v staff.Viewer, forms []ProductForm) ([]Result, error) {
	return nil, errSoon
}

// Products lists products by name.
func (s *Shop) Products(tx *db.Tx, f ProductFilter) (ProductPage, error) {
	return ProductPage{}, errSoon
}

// ProductByID gives one product with its variants, or db.ErrNotFound.
func (s *Shop) ProductByID(tx *db.Tx, id string) (Product, error) { return Product{}, errSoon }

// VariantBySKU gives one variant with its product, or db.ErrNotFound.
func (s *Shop) VariantBySKU(tx *db.Tx, sku string) (Arrival, error) { return Arrival{}, errSoon }

// VariantByID gives one variant with its product, or db.ErrNotFound.
func (s *Shop) VariantByID(tx *db.Tx, id string) (Arrival, error) { return Arrival{}, errSoon }

// Categories lists the categories in use.
func (s *Shop) Categories(tx *db.Tx) ([]string, error) { return nil, errSoon }

// Arrivals lists variants that came to the counters since then, the latest first.
func (s *Shop) Arrivals(tx *db.Tx, since time.Time) ([]Arrival, error) { return nil, errSoon }

// RecordPurchases records receipts, each once by its source and number.
func (s *Shop) RecordPurchases(tx *db.Tx, v staff.Viewer, forms []PurchaseForm) ([]Result, error) {
	return nil, errSoon
}

// ClaimPurchases gives her the receipts of a member number that was proved to be hers.
func (s *Shop) ClaimPurchases(tx *db.Tx, customerID, memberHash string) (int64, error) {
	return 0, errSoon
}

// Purchases lists receipts of a person that the viewer may read, the latest first.
func (s *Shop) Purchases(tx *db.Tx, v staff.Viewer, records []string, before Cursor, limit int) ([]Purchase, error) {
	return nil, errSoon
}

// Habits reckons what the receipts of a person tell, as far as the viewer may read them.
func (s *Shop) Habits(tx *db.Tx, v staff.Viewer, records []string, now time.Time) (Habits, error) {
	return Habits{}, errSoon
}

// MatchWishes finds the open wishes that an arrival grants.
func (s *Shop) MatchWishes(tx *db.Tx) (int, error) { return 0, errSoon }

// Handlers are the room's background work.
func (s *Shop) Handlers() map[string]job.Handler { return nil }

// Upload keeps a file, sealed, for a preview and its import.
func (s *Shop) Upload(ctx context.Context, v staff.Viewer, u ImportUpload) (Import, error) {
	return Import{}, errSoon
}

// Preview tells what an import would do, and writes nothing but the count of its rows.
func (s *Shop) Preview(ctx context.Context, v staff.Viewer, importID string, o ImportOptions) (Preview, error) {
	return Preview{}, errSoon
}

// RunImport begins the import of an uploaded file; a job does it.
func (s *Shop) RunImport(tx *db.Tx, v staff.Viewer, importID string, o ImportOptions) (Import, error) {
	return Import{}, errSoon
}

// DropImport forgets an uploaded file that was not imported yet.
func (s *Shop) DropImport(ctx context.Context, v staff.Viewer, importID string) error { return errSoon }

// Imports lists imports, the latest first.
func (s *Shop) Imports(tx *db.Tx, v staff.Viewer, limit int) ([]Import, error) { return nil, errSoon }

// ImportByID gives one import, or db.ErrNotFound.
func (s *Shop) ImportByID(tx *db.Tx, v staff.Viewer, id string) (Import, error) {
	return Import{}, errSoon
}

// ImportErrors lists what was wrong with the rows of an import after a line.
func (s *Shop) ImportErrors(tx *db.Tx, v staff.Viewer, importID string, after int64, limit int) ([]RowError, error) {
	return nil, errSoon
}

// WriteErrors writes errors as CSV, in which no cell is a formula.
func WriteErrors(w io.Writer, list []RowError) error { return errSoon }

// ImportFields lists what columns of a kind of file can hold.
func ImportFields(k ImportKind) []ImportField { return nil }
