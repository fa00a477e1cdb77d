package web

import (
	"html/template"
	"strings"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/insight"
)

// heardTag is a tag that a message made, under its bubble: one tap undoes it.
type heardTag struct {
	Label string
	Undo  string // POST takes it away
}

// hearing is what one message was read for.
type hearing struct {
	tags  []heardTag
	where []insight.Stretch
}

// hearings tells what some messages of a thread were read for, with one query. Bubbles
// are drawn once for everybody who sees the thread, so they name what all of them may
// know: tags of the counter's brand, and of none.
func (x teller) hearings(tx *db.Tx, messages []conversation.Message) (map[string]hearing, error) {
	if x.server.Reader == nil {
		return nil, nil
	}
	texts := map[string]string{}
	var ids []string
	for _, m := range messages {
		if m.Author == conversation.AuthorCustomer && m.Type == channel.Text && !m.Unsent {
			texts[m.ID], ids = m.Body.Text, append(ids, m.ID)
		}
	}
	counter, _ := x.directory.Counter(x.counter)
	found, err := x.server.Desk.Book.TagsSaid(tx, counter.BrandID, ids)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	out, proofs := map[string]hearing{}, map[string][]customer.Proof{}
	for _, tag := range found {
		id := tag.Proof.MessageID
		h := out[id]
		h.tags = append(h.tags, heardTag{Label: x.server.TagLabel(x.words, tag.Tag.Name, tag.Tag.Label), Undo: "/inbox/" + x.thread + "/card/tags/" + tag.ID + "/undo"})
		out[id], proofs[id] = h, append(proofs[id], tag.Proof)
	}
	for id, h := range out {
		if h.where, err = x.server.Reader.Where(tx, texts[id], proofs[id]); err != nil {
			return nil, err
		}
		out[id] = h
	}
	return out, nil
}

// marked is linked, with some stretches of the text marked. An address stays whole: what
// is marked of it is only what stands beside it.
func marked(text string, where []insight.Stretch) template.HTML {
	var out strings.Builder
	plain := func(from, to int) {
		for _, s := range where {
			a, b := max(s.From, from), min(s.To, to)
			if a >= b {
				continue
			}
			out.WriteString(template.HTMLEscapeString(text[from:a]))
			out.WriteString("<mark>" + template.HTMLEscapeString(text[a:b]) + "</mark>")
			from = b
		}
		out.WriteString(template.HTMLEscapeString(text[from:to]))
	}
	end := 0
	for _, link := range links(text) {
		plain(end, link[0])
		safe := template.HTMLEscapeString(text[link[0]:link[1]])
		out.WriteString(`<a href="` + safe + `" target="_blank" rel="noopener noreferrer nofollow">` + safe + `</a>`)
		end = link[1]
	}
	plain(end, len(text))
	return template.HTML(out.String())
}
