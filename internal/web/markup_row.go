package web

// row draws one line of the inbox. It serves every viewer: whether it is hers, and who
// "you" is, the page settles by data-by.
func (m *markup) row(r ThreadRow) {
	m.raw(`<a class="thread-row`).when(r.Unread > 0, ` unread`).when(r.Closed, ` closed`).when(r.Mine, ` mine`).
		raw(`" id="row-`).text(r.ID).raw(`" href="/inbox/`).text(r.ID).raw(`" data-thread="`).text(r.ID).
		raw(`" data-by="`).text(r.ByID).raw(`" data-waiting="`).number(r.Waiting).raw(`" data-last="`).number(r.LastAt).
		raw(`" data-closed="`).when(r.Closed, `true`).when(!r.Closed, `false`).raw(`"`).when(r.Here, ` aria-current="true"`).raw(">\n")
	m.avatar(r.Face)
	m.raw(`<span class="row-main"><span class="row-name"><bdi>`).text(r.Name).raw("</bdi></span>\n<span class=\"row-last\">")
	if last := r.Last; last.By != "" {
		m.raw(`<bdi class="row-by" data-by="`).text(last.ByID).raw(`">`).text(last.By).raw(`</bdi>`).text(m.words.T("inbox.by"))
	}
	if r.Last.Icon != "" {
		m.icon(r.Last.Icon).raw(` `)
	}
	m.raw(`<bdi>`).text(r.Last.Text).raw(`</bdi>`)
	m.raw("</span></span>\n<span class=\"row-side\">")
	if r.Wait.Text != "" {
		m.wait(r.Wait)
	} else {
		m.raw(`<time datetime="`).text(r.Stamp).raw(`">`).text(r.Time).raw(`</time>`)
	}
	m.raw("\n<span class=\"row-marks\">")
	if r.Closed {
		m.raw(`<span class="row-state">`).text(m.words.T("inbox.row.closed")).raw(`</span>`)
	} else if r.Assignee != "" {
		m.raw(`<bdi class="row-owner">`).text(r.Assignee).raw(`</bdi>`)
	}
	if r.Unread > 0 {
		m.raw(`<span class="badge"><span class="sr">`).text(m.words.T("inbox.row.unread")).raw(` </span>`).number(int64(r.Unread)).raw(`</span>`)
	}
	m.raw(`</span></span></a>`)
}

// avatar draws a face: her picture, or her first letter on a tint of her own.
func (m *markup) avatar(a Avatar) {
	m.raw(`<span class="avatar tint-`).number(int64(a.Tint()))
	if a.Size != "" {
		m.raw(` avatar-`).text(a.Size)
	}
	m.raw(`" aria-hidden="true"><bdi>`).text(a.Letter()).raw(`</bdi>`)
	if a.Picture != "" {
		m.raw(`<img src="`).link(a.Picture).raw(`" alt="" loading="lazy" decoding="async">`)
	}
	if a.Channel != "" {
		m.raw(`<span class="channel channel-`).text(a.Channel).raw(`" title="`).text(m.words.T("channel.name." + a.Channel)).raw(`">`).
			text(m.words.T("channel.letter." + a.Channel)).raw(`</span>`)
	}
	m.raw(`</span>`)
}

// wait draws who waits, and how it feels; app.js keeps counting.
func (m *markup) wait(w Wait) {
	if w.Text == "" {
		return
	}
	m.raw(`<span class="pill wait wait-`).text(w.Level).raw(`" data-since="`).number(w.Since).raw(`"><span class="sr">`).
		text(m.words.T("frame.waits")).raw(` </span><span data-span>`).text(w.Text).raw(`</span></span>`)
}
