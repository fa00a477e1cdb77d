package web

// line draws a line of a thread: a bubble, what happened, or the name of a day.
func (m *markup) line(l Line) {
	switch {
	case l.Bubble != nil:
		m.message(l.Bubble)
	case l.Event != nil:
		m.event(l.Event)
	default:
		m.raw(`<div class="day" data-day="`).text(l.DayKey).raw(`" role="separator"><span>`).text(l.Day).raw(`</span></div>`)
	}
}

func (m *markup) event(e *EventLine) {
	m.raw(`<div class="event`).when(e.Secret, ` event-note`).raw(`" id="m-`).text(e.ID).raw(`" data-at="`).number(e.At).
		raw(`" data-day="`).text(e.DayKey).raw(`" data-day-name="`).text(e.Day).raw(`"><p><bdi>`).text(e.Text).
		raw(`</bdi> · <time datetime="`).text(e.Stamp).raw(`">`).text(e.Time).raw(`</time></p>`)
	if e.Note != "" {
		m.raw(`<p class="event-words" dir="auto">`).text(e.Note).raw(`</p>`)
	}
	m.raw(`</div>`)
}

func (m *markup) message(b *Bubble) {
	failed := b.Failed()
	m.raw(`<article class="message message-`).text(b.Side).when(b.Joined, ` message-joined`).when(failed, ` message-failed`).
		raw(`" id="m-`).text(b.ID).raw(`" data-at="`).number(b.At).raw(`" data-seq="`).number(b.Seq).
		raw(`" data-day="`).text(b.DayKey).raw(`" data-day-name="`).text(b.Day).raw(`" data-voice="`).text(b.Voice).
		raw(`" data-status="`).text(b.Status).raw(`" data-gist="`).text(b.Gist).raw(`"`)
	if b.Key != "" {
		m.raw(` data-key="`).text(b.Key).raw(`"`)
	}
	m.when(b.Quote != "", ` data-quoting`).raw(">\n<div class=\"bubble bubble-").text(b.Kind).raw(`">`)
	if b.Quote != "" {
		m.raw(`<a class="quote" href="#m-`).text(b.QuoteID).raw(`" data-jump>`)
		if b.QuoteBy != "" {
			m.raw(`<b><bdi>`).text(b.QuoteBy).raw(`</bdi></b>`)
		}
		m.raw(`<span dir="auto">`).text(b.Quote).raw(`</span></a>`)
	}
	m.content(b)
	m.raw("</div>\n")
	m.foot(b)
	if len(b.Heard) > 0 {
		m.heard(b.Heard)
	}
	if b.Failure != "" || failed {
		m.why(b)
	}
	m.raw(`</article>`)
}

// foot draws who spoke, when, and how far it came.
func (m *markup) foot(b *Bubble) {
	m.raw(`<footer class="message-foot">`)
	if b.By != "" {
		m.raw(`<span class="by"><bdi>`).text(b.By).raw(`</bdi></span>`)
	}
	if b.Via != "" {
		m.raw(`<span class="via">`).text(m.words.T("channel.name." + b.Via)).raw(`</span>`)
	}
	if b.Status != "" {
		m.raw(`<span class="status status-`).text(b.Status).raw(`">`).icon(b.StatusIcon()).raw(`<span>`).text(m.words.T("status." + b.Status)).raw(`</span></span>`)
	}
	m.raw(`<time datetime="`).text(b.Stamp).raw(`">`).text(b.Time).raw(`</time>`)
	if b.Quotable {
		m.raw(`<button type="button" class="answer" data-quote="`).text(b.ID).raw(`">`).text(m.words.T("thread.quote")).raw(`</button>`)
	}
	m.raw("</footer>\n")
}

// heard draws what her words were taken for, each with its undoing.
func (m *markup) heard(tags []heardTag) {
	m.raw(`<p class="heard"><span>`).text(m.words.T("bubble.heard")).raw(`</span>`)
	for _, tag := range tags {
		undo := m.words.T("bubble.unheard", "tag", tag.Label)
		m.raw(`<span class="heard-tag"><bdi>`).text(tag.Label).raw(`</bdi><button type="button" class="chat-only" data-undo="`).text(tag.Undo).
			raw(`" title="`).text(undo).raw(`" aria-label="`).text(undo).raw(`">`).icon("close").raw(`</button></span>`)
	}
	m.raw("</p>\n")
}

// why says why it did not arrive, in our words and in the platform's.
func (m *markup) why(b *Bubble) {
	m.raw(`<p class="message-why"><span>`)
	if b.Failure != "" {
		m.text(b.Failure)
	} else {
		m.text(m.words.T("failure.rejected"))
	}
	if b.Platform != "" {
		m.raw(` <small dir="auto">`).text(b.Platform).raw(`</small>`)
	}
	m.raw(`</span>`)
	if b.RetryURL != "" {
		m.raw(` <button type="button" class="link chat-only" data-resend="`).text(b.RetryURL).raw(`">`).text(m.words.T("bubble.retry")).raw(`</button>`)
	}
	m.raw(`</p>`)
}

// content draws what was said, by its kind.
func (m *markup) content(b *Bubble) {
	switch b.Kind {
	case "text", "emoji":
		m.raw(`<p dir="auto">`).html(b.Text).raw(`</p>`)
	case "image":
		m.picture(b)
	case "video":
		m.raw(`<video controls preload="none" playsinline src="`).link(b.URL).raw(`"`)
		if b.Preview != "" {
			m.raw(` poster="`).link(b.Preview).raw(`"`)
		}
		m.raw(`></video>`)
	case "audio":
		m.raw(`<audio controls preload="metadata" src="`).link(b.URL).raw(`"></audio>`)
	case "file":
		m.raw(`<a class="attachment" href="`).link(b.URL).raw(`" download><span class="attachment-icon">`).icon("paperclip").
			raw(`</span><span><b dir="auto">`).text(b.Title).raw(`</b><small>`).text(b.Detail).raw(`</small></span></a>`)
	case "location":
		m.raw(`<a class="attachment" href="`).link(b.URL).raw(`" target="_blank" rel="noopener noreferrer"><span class="attachment-icon">`).icon("place").
			raw(`</span><span><b dir="auto">`).text(b.Title).raw(`</b><small dir="auto">`).text(b.Detail).raw(`</small><small class="attachment-go">`).
			text(m.words.T("bubble.map")).raw(`</small></span></a>`)
	case "sticker":
		m.sticker(b)
	case "external":
		if b.URL == "" {
			m.raw(`<p class="bubble-note">`).text(m.words.T("bubble.gone")).raw(`</p>`)
			return
		}
		m.raw(`<a class="attachment" href="`).link(b.URL).raw(`" target="_blank" rel="noopener noreferrer nofollow"><span class="attachment-icon">`).
			icon("image").raw(`</span><span><b>`).text(m.words.T("bubble.external")).raw(`</b></span></a>`)
	case "pending":
		m.aside("clock", m.words.T("bubble.pending"))
	case "gone":
		m.aside("image", m.words.T("bubble.gone"))
	case "too_large":
		m.aside("paperclip", m.words.T("bubble.too_large"))
	case "unsent":
		m.raw(`<p class="bubble-note">`).text(m.words.T("bubble.unsent")).raw(`</p>`)
	default:
		m.raw(`<p class="bubble-note">`).text(m.words.T("bubble.unknown")).raw(`</p>`)
	}
}

// aside draws what stands in place of something that cannot be shown.
func (m *markup) aside(icon, words string) {
	m.raw(`<p class="bubble-note">`).icon(icon).raw(`<span>`).text(words).raw(`</span></p>`)
}

func (m *markup) picture(b *Bubble) {
	shown := b.Preview
	if shown == "" {
		shown = b.URL
	}
	m.raw(`<a href="`).link(b.URL).raw(`" data-look><img src="`).link(shown).raw(`" alt="`).text(m.words.T("bubble.image")).raw(`"`)
	if b.Width > 0 {
		m.raw(` width="`).number(int64(b.Width)).raw(`" height="`).number(int64(b.Height)).raw(`"`)
	}
	m.raw(` loading="lazy" decoding="async"></a>`)
	if b.Text != "" {
		m.raw(`<p dir="auto">`).html(b.Text).raw(`</p>`)
	}
}

func (m *markup) sticker(b *Bubble) {
	m.raw(`<span class="sticker"><span class="sticker-glyph" aria-hidden="true">`)
	if b.Glyph != "" {
		m.text(b.Glyph)
	} else {
		m.icon("smile")
	}
	m.raw(`</span><small>`).text(m.words.T("bubble.sticker"))
	if b.Title != "" {
		m.raw(` · <bdi>`).text(b.Title).raw(`</bdi>`)
	}
	m.raw(`</small></span>`)
}
