package app

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// bodyTime is how long a request's body may take to arrive. Uploads take longer
// and say so themselves.
const bodyTime = 30 * time.Second

// patient ends requests whose bodies never do: a stranger who sends one byte a
// minute on many connections must not hold them all. The server's own
// ReadTimeout would do that too, but it would also end every stream of events.
func (a *App) patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			out := http.NewResponseController(w)
			if err := out.SetReadDeadline(a.DB.Now().Add(a.bodyTime)); err != nil {
				http.Error(w, "the connection cannot be guarded", http.StatusInternalServerError)
				return
			}
			r.Body = &body{ReadCloser: r.Body, out: out}
		}
		next.ServeHTTP(w, r)
	})
}

// body lifts the deadline when it has arrived: what follows on the connection
// is only watched for the caller's going away.
type body struct {
	io.ReadCloser
	out *http.ResponseController
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.out.SetReadDeadline(time.Time{}) // a connection that is gone needs none
	}
	return n, err
}
