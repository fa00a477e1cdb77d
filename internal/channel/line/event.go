package line

// event is what we read of a webhook event, for all types at once. Unknown
// properties are passed over, as LINE demands.
type event struct {
	kind       string
	mode       string
	timestamp  int64
	id         string
	replyToken string
	redelivery bool
	source     source

	hasMessage  bool
	message     message
	unsent      string // the message taken back
	unblocked   bool
	hasPostback bool
	data        string // of a postback
	params      []byte // of a postback, JSON
}

type source struct {
	kind, user, group, room string
}

type message struct {
	id         string
	kind       string
	quoteToken string
	readToken  string
	quoted     string

	text string // of texts, and of message stickers

	provider string // who holds the bytes: "line" or "external"
	original string // where an external one does
	duration float64
	fileName string
	fileSize float64

	title, address      string
	latitude, longitude float64

	packageID, stickerID, resource string
	keywords                       []string
}

// event reads one element of "events". ok is false for what does not have the
// shape of an event; e then holds what could be read of it.
func (s *scanner) event(e *event) (ok bool) {
	s.mismatch = s.next() == 'n'
	s.object(func(key []byte) {
		switch string(key) {
		case "type":
			s.text(&e.kind)
		case "mode":
			s.text(&e.mode)
		case "timestamp":
			s.integer(&e.timestamp)
		case "webhookEventId":
			s.text(&e.id)
		case "replyToken":
			s.text(&e.replyToken)
		case "deliveryContext":
			s.only("isRedelivery", func() { s.boolean(&e.redelivery) })
		case "source":
			s.source(&e.source)
		case "message":
			e.hasMessage = s.next() == '{'
			s.message(&e.message)
		case "unsend":
			s.only("messageId", func() { s.text(&e.unsent) })
		case "follow":
			s.only("isUnblocked", func() { s.boolean(&e.unblocked) })
		case "postback":
			e.hasPostback = s.next() == '{'
			s.postback(e)
		default:
			s.skip()
		}
	})
	return !s.mismatch
}

// only reads one property of an object.
func (s *scanner) only(name string, read func()) {
	s.object(func(key []byte) {
		if string(key) == name {
			read()
		} else {
			s.skip()
		}
	})
}

func (s *scanner) source(o *source) {
	s.object(func(key []byte) {
		switch string(key) {
		case "type":
			s.text(&o.kind)
		case "userId":
			s.text(&o.user)
		case "groupId":
			s.text(&o.group)
		case "roomId":
			s.text(&o.room)
		default:
			s.skip()
		}
	})
}

func (s *scanner) postback(e *event) {
	s.object(func(key []byte) {
		switch string(key) {
		case "data":
			s.text(&e.data)
		case "params":
			s.raw(&e.params)
		default:
			s.skip()
		}
	})
}

func (s *scanner) message(m *message) {
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			s.text(&m.id)
		case "type":
			s.text(&m.kind)
		case "quoteToken":
			s.text(&m.quoteToken)
		case "markAsReadToken":
			s.text(&m.readToken)
		case "quotedMessageId":
			s.text(&m.quoted)
		case "text":
			s.text(&m.text)
		case "contentProvider":
			s.provider(m)
		case "duration":
			s.number(&m.duration)
		case "fileName":
			s.text(&m.fileName)
		case "fileSize":
			s.number(&m.fileSize)
		case "title":
			s.text(&m.title)
		case "address":
			s.text(&m.address)
		case "latitude":
			s.number(&m.latitude)
		case "longitude":
			s.number(&m.longitude)
		case "packageId":
			s.text(&m.packageID)
		case "stickerId":
			s.text(&m.stickerID)
		case "stickerResourceType":
			s.text(&m.resource)
		case "keywords":
			s.texts(&m.keywords)
		default:
			s.skip()
		}
	})
}

func (s *scanner) provider(m *message) {
	s.object(func(key []byte) {
		switch string(key) {
		case "type":
			s.text(&m.provider)
		case "originalContentUrl":
			s.text(&m.original)
		default:
			s.skip()
		}
	})
}

// isNotice names the types that we know and keep, but that show nothing in a
// thread.
func isNotice(kind string) bool {
	switch kind {
	case "join", "leave", "memberJoined", "memberLeft", "videoPlayComplete", "beacon",
		"accountLink", "membership", "module", "activated", "deactivated",
		"botSuspended", "botResumed", "delivery":
		return true
	}
	return false
}
