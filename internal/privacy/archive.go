package privacy

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

const (
	// maxArchive bounds the files in one archive; what does not fit is said in it.
	maxArchive = 2 << 30
	// passage is how many messages are read at once.
	passage = 200
)

// archive writes everything about a person into a zip, part by part: no file and no
// long conversation is ever in memory as a whole.
type archive struct {
	r        *Room
	ctx      context.Context
	language string
	extract  Extract
	size     int64
	files    []string // ids of messages whose files go in
	names    map[string]string
	leftOut  int
	defs     map[string]customer.AttributeDef // by name
}

func (r *Room) writeArchive(ctx context.Context, w io.Writer, f File) error {
	a := &archive{r: r, ctx: ctx, language: fileLanguage(f.Language), names: map[string]string{}}
	var err error
	if a.extract, _, err = r.collect(ctx, f.PersonID); err != nil {
		return err
	}
	if err := a.learn(); err != nil {
		return err
	}
	for i := range a.extract.Groups {
		a.take(&a.extract.Groups[i])
	}
	a.extract.Copy, a.extract.By = f.Code, "officer"
	if f.By == byCustomer {
		a.extract.By = "you"
	}
	z := zip.NewWriter(w)
	for _, part := range []struct {
		name  string
		write func(io.Writer) error
	}{{"data.json", a.data}, {"index.html", a.page}} {
		out, err := z.Create(part.name)
		if err != nil {
			return err
		}
		if err := part.write(out); err != nil {
			return fmt.Errorf("%s of her copy: %w", part.name, err)
		}
	}
	for _, id := range a.files {
		if err := a.file(z, id); err != nil {
			return fmt.Errorf("files of her copy: %w", err)
		}
	}
	for _, p := range a.extract.Pictures {
		if err := pack(z, p.File, func() (io.ReadCloser, error) { return r.Desk.ExportPicture(ctx, p) }); err != nil {
			return fmt.Errorf("pictures of her copy: %w", err)
		}
	}
	return z.Close()
}

// learn reads what the group calls its attributes.
func (a *archive) learn() error {
	return a.r.DB.Read(a.ctx, func(tx *db.Tx) error {
		defs, err := a.r.Book.AttributeDefs(tx)
		a.defs = make(map[string]customer.AttributeDef, len(defs))
		for _, d := range defs {
			a.defs[d.Name] = d
		}
		return err
	})
}

// data writes the JSON: the extract's members, and then the conversations as a
// stream.
func (a *archive) data(w io.Writer) error {
	head, err := json.MarshalIndent(a.extract, "", " ")
	if err != nil {
		return err
	}
	if _, err := w.Write(head[:len(head)-2]); err != nil { // without its last brace
		return err
	}
	if _, err := io.WriteString(w, ",\n \"conversations\": ["); err != nil {
		return err
	}
	for i, t := range a.extract.Threads {
		head, err := json.Marshal(t)
		if err != nil {
			return err
		}
		comma := ",\n"
		if i == 0 {
			comma = "\n"
		}
		if _, err := fmt.Fprintf(w, "%s  %s, \"messages\": [", comma, head[:len(head)-1]); err != nil {
			return err
		}
		first := true
		err = a.each(t.ID, func(m conversation.ExtractMessage) error {
			a.take(&m)
			line, err := json.Marshal(m)
			if err != nil {
				return err
			}
			comma := ",\n   "
			if first {
				comma, first = "\n   ", false
			}
			_, err = fmt.Fprintf(w, "%s%s", comma, line)
			return err
		})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, "]}"); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "],\n \"files_left_out\": %d\n}\n", a.leftOut)
	return err
}

// take decides whether a message's file goes in.
func (a *archive) take(m *conversation.ExtractMessage) {
	if m.File == "" {
		return
	}
	if a.size+m.Size > maxArchive {
		a.leftOut++
		m.File = ""
		return
	}
	a.size += m.Size
	a.files = append(a.files, m.ID)
	a.names[m.ID] = m.File
}

func (a *archive) each(threadID string, visit func(conversation.ExtractMessage) error) error {
	for p := (conversation.Passage{ThreadID: threadID, Limit: passage}); ; {
		var some []conversation.ExtractMessage
		err := a.r.DB.Read(a.ctx, func(tx *db.Tx) (err error) {
			some, err = a.r.Desk.ExportMessages(tx, p)
			return err
		})
		if err != nil {
			return err
		}
		for _, m := range some {
			if err := visit(m); err != nil {
				return err
			}
		}
		if len(some) < passage {
			return nil
		}
		last := some[len(some)-1]
		p.After = conversation.Cursor{At: last.At, ID: last.ID}
	}
}

func (a *archive) file(z *zip.Writer, messageID string) error {
	return pack(z, a.names[messageID], func() (io.ReadCloser, error) { return a.r.Desk.ExportFile(a.ctx, messageID) })
}

func pack(z *zip.Writer, name string, open func() (io.ReadCloser, error)) error {
	in, err := open()
	if errors.Is(err, db.ErrNotFound) { // it went meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	// Pictures and films are packed already.
	out, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}
