package catalogue

import (
	"io"
	"time"
)

// ImportKind says what a file holds.
type ImportKind string

// What can be imported.
const (
	ImportPurchases ImportKind = "purchases"
	ImportProducts  ImportKind = "products"
	ImportCustomers ImportKind = "customers"
)

// ImportKinds lists what can be imported, in the order in which a form offers it.
func ImportKinds() []ImportKind {
	return []ImportKind{ImportPurchases, ImportProducts, ImportCustomers}
}

// ImportState says where an import stands.
type ImportState string

// Where an import can stand.
const (
	ImportPreview ImportState = "preview" // the file is kept; nothing was written yet
	ImportRunning ImportState = "running"
	ImportDone    ImportState = "done"
	ImportFailed  ImportState = "failed"
	ImportDropped ImportState = "dropped"
	// ImportStopped is an import of the command line that is under way by its record, and
	// has not got any further for long: whoever ran it was killed. It is told by the clock
	// and stored nowhere, so that one that was only slow goes on.
	ImportStopped ImportState = "stopped"
)

// ImportOptions say how a file is read. The zero value guesses everything.
type ImportOptions struct {
	Source   string            `json:"source,omitempty"`   // the till system of purchases; empty: "file"
	Columns  map[string]string `json:"columns,omitempty"`  // field -> heading of the file; overrides the guess; "-" leaves a field out
	Currency string            `json:"currency,omitempty"` // where the file names none; empty: TWD
	Timezone string            `json:"timezone,omitempty"` // of times without a zone; empty: Asia/Taipei
	Region   string            `json:"region,omitempty"`   // of customers: the country of phone numbers without one; empty: TW
	Proved   bool              `json:"proved,omitempty"`   // of customers: their phone numbers were proved
	ROC      bool              `json:"roc,omitempty"`      // years are those of the Republic of China: 115/01/02
}

// Import is a file on its way in.
type Import struct {
	ID       string
	Kind     ImportKind
	Name     string // of the file
	By       string
	At       time.Time
	State    ImportState
	Options  ImportOptions
	Total    int64     // rows in the file, as the preview counted or guessed them; 0: not looked into
	Settled  int64     // rows that were dealt with
	Moved    time.Time // when it got a piece further the last time; zero: not yet
	Added    int64     // receipts or products
	Repeated int64     // there already, or changed nothing
	Bad      int64     // rows with an error
	Error    string
	DoneAt   time.Time
}

// ImportUpload is a file that somebody hands in.
type ImportUpload struct {
	Kind ImportKind
	Name string
	From io.Reader
}

// RowError says what is wrong with one row of a file.
type RowError struct {
	Line  int64  // of the file, the first is 1
	Field string // ours, as ImportFields names it; "row" for the row itself
	Code  string // a key of the locale files below "invalid."
	// Value is the beginning of what stands there. It is for the eyes of whoever has the
	// file before her, and may be somebody's number or name: it is stored and logged nowhere.
	Value string
}

// Preview is what an import would do.
type Preview struct {
	Format   string            // csv or jsonl
	Encoding string            // utf-8, big5, utf-16
	Comma    string            // what parts the columns: , ; or a tab
	Headings []string          // of the file
	Columns  map[string]string // field -> heading: the guess, with the overrides
	Missing  []string          // required fields that no column has
	Sample   [][]string        // the first rows, as they stand in the file
	Read     int64             // rows that were looked into, from the first on
	Total    int64             // rows of the file: all of them were looked into, or it is a guess by its size
	New      int64             // of those: receipts, products or customers that would be added or changed
	Repeated int64             // of those: what is there already
	Bad      int64             // of those: rows with an error
	Errors   []RowError        // the first hundred
}

// ImportField is something a column can hold.
type ImportField struct {
	Name     string
	Required bool
}

// Progress is how far an import has come.
type Progress struct {
	Rows, Bytes          int64
	Added, Repeated, Bad int64
}
