package app

import (
	"io"
	"os"
	"sync/atomic"

	"dingdong/internal/catalogue"
)

// countedReader knows how much of a file was read; the bar asks from elsewhere.
type countedReader struct {
	from io.Reader
	n    atomic.Int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// wrongRows writes the rows that are wrong into a file, which is only made when there
// is one.
type wrongRows struct {
	path string
	file *os.File
	err  error
}

func (w *wrongRows) add(bad []catalogue.RowError) {
	if len(bad) == 0 || w.path == "" || w.err != nil {
		return
	}
	if w.file == nil {
		if w.file, w.err = os.OpenFile(w.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); w.err != nil {
			return
		}
		if w.err = catalogue.WriteErrorHeadings(w.file); w.err != nil {
			return
		}
	}
	w.err = catalogue.WriteErrors(w.file, bad)
}

func (w *wrongRows) close() error {
	if w.file != nil {
		if err := w.file.Close(); w.err == nil {
			w.err = err
		}
	}
	return w.err
}
