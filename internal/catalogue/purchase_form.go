package catalogue

import "time"

// Kind says what a receipt is.
type Kind string

// The two kinds of receipt.
const (
	Sale   Kind = "sale"
	Return Kind = "return"
)

// PurchaseForm is a receipt as a till tells it. It is recorded once by Source and Ref.
type PurchaseForm struct {
	Source     string     `json:"source"`      // the till system, required
	Ref        string     `json:"ref"`         // its own number of the receipt, required
	Kind       Kind       `json:"kind"`        // empty: sale
	ReturnsRef string     `json:"returns_ref"` // of a return: the receipt it takes back
	CustomerID string     `json:"customer"`    // who bought, if she is known; else Member or Phone, or nobody
	Member     string     `json:"member"`
	Phone      string     `json:"phone"`
	Store      string     `json:"store"`   // id or name
	Counter    string     `json:"counter"` // id or name
	Advisor    string     `json:"advisor"` // id or e-mail address
	At         time.Time  `json:"at"`
	Total      *int64     `json:"total"`    // minor units, of a return negative; nil: the sum of the lines
	Currency   string     `json:"currency"` // ISO 4217
	Lines      []LineForm `json:"lines"`
}

// LineForm is one line of a receipt.
type LineForm struct {
	SKU      string `json:"sku"`
	Name     string `json:"name"`     // as the till printed it
	Quantity int64  `json:"quantity"` // 0: one; of a return negative, or positive as tills print it
	Amount   int64  `json:"amount"`   // of the whole line, minor units; of a return negative
}

// Purchase is a receipt as a viewer may read it.
type Purchase struct {
	ID         string
	Source     string
	Ref        string
	Kind       Kind
	ReturnsRef string
	CustomerID string // the record it belongs to
	StoreID    string
	CounterID  string
	AdvisorID  string
	At         time.Time
	Total      int64 // of the lines that can be read
	Currency   string
	Partial    bool // it has lines of brands that are not the viewer's
	Lines      []Line
}

// Line is one line of a receipt, with what the catalogue knows of it.
type Line struct {
	N         int
	SKU       string
	Name      string // the product's, else what the till printed
	Quantity  int64
	Amount    int64
	VariantID string // empty: the catalogue does not have it
	Variant   string // its name
	ProductID string
	BrandID   string
	Category  string
	Shade     string
	Colour    string
	Size      string
	Scent     string
	LastsDays int
}

// Cursor is a place in a list of receipts, the latest first; the zero Cursor is the top.
type Cursor struct {
	At time.Time
	ID string
}

// Habit is something she does most of the time: Value in N of M cases. The zero Habit says
// nothing: there were fewer than three cases, or it was true in under three of five.
type Habit struct {
	Value string
	N, M  int
}

// PriceRange says what one piece usually costs her, by quartiles.
type PriceRange struct {
	Low, Middle, High int64 // minor units
	Currency          string
	N, M              int // N of M pieces cost between Low and High
}

// Cycle says how often she buys a product.
type Cycle struct {
	ProductID string
	Name      string
	Days      int // the median between two purchases
	N, M      int // N of M gaps are near it
	Purchases int
	LastAt    time.Time
}

// RunningOut is a product of hers that may be nearly used up.
type RunningOut struct {
	ProductID string
	Name      string
	Variant   string
	LastAt    time.Time
	DueAt     time.Time
	Days      int  // how long it usually lasts
	Computed  bool // from her own purchases, N of M gaps; else from what the catalogue says
	N, M      int
}

// Habits is what her receipts tell.
type Habits struct {
	Purchases  int   // receipts that were looked at, without what was returned whole
	Day        Habit // monday ... sunday, weekend, workdays
	Part       Habit // morning, afternoon, evening, night
	Size       Habit // the favourite, as the catalogue writes it
	Scent      Habit //
	Shade      Habit //
	Category   Habit //
	Price      PriceRange
	Cycles     []Cycle      // the latest purchase first
	RunningOut []RunningOut // the most overdue first
}
