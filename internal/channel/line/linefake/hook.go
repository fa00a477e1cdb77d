package linefake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hooks is the queue of events for the account's webhook. One event is delivered,
// with its redeliveries, before the next: stricter than LINE, which promises no
// order.
type hooks struct {
	mu    sync.Mutex
	queue []Event
	open  int // queued or under way
	wake  chan struct{}
	idle  chan struct{} // closed while nothing is open
	log   []Delivery
}

// Delivery is one try to deliver an event. Status 0 is no answer.
type Delivery struct {
	EventID string
	Status  int
	Again   bool
}

func (h *hooks) start() {
	h.wake = make(chan struct{}, 1)
	h.idle = make(chan struct{})
	close(h.idle)
}

func (h *hooks) add(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == 0 {
		h.idle = make(chan struct{})
	}
	h.open++
	h.queue = append(h.queue, e)
	select {
	case h.wake <- struct{}{}:
	default: // the deliverer is called already
	}
}

func (h *hooks) next() (Event, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return Event{}, false
	}
	e := h.queue[0]
	h.queue = h.queue[1:]
	return e, true
}

func (h *hooks) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open--; h.open == 0 {
		close(h.idle)
	}
}

func (h *hooks) note(d Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.log) >= 10000 {
		h.log = append([]Delivery(nil), h.log[5000:]...)
	}
	h.log = append(h.log, d)
}

// Settle waits until every event so far was delivered or given up.
func (p *Platform) Settle(ctx context.Context) error {
	p.hooks.mu.Lock()
	idle := p.hooks.idle
	p.hooks.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Deliveries lists the tries to deliver events, the last 5,000 at least.
func (p *Platform) Deliveries() []Delivery {
	p.hooks.mu.Lock()
	defer p.hooks.mu.Unlock()
	return append([]Delivery(nil), p.hooks.log...)
}

func (p *Platform) deliverAll() {
	for {
		e, ok := p.hooks.next()
		if ok {
			p.deliver(e)
			p.hooks.done()
			continue
		}
		select {
		case <-p.hooks.wake:
		case <-p.ctx.Done():
			return
		}
	}
}

// deliver calls the webhook until it answers 2xx or patience ends.
func (p *Platform) deliver(e Event) {
	const longest = 10 * time.Second
	pause := p.o.Backoff
	for try := 0; p.ctx.Err() == nil; try++ {
		hook := p.webhook.Load()
		if hook.address == "" || !hook.active {
			return // LINE does not send, and does not keep
		}
		e.DeliveryContext.IsRedelivery = try > 0
		if try > 0 {
			p.tokens.renew(e.ReplyToken, p.o.Now())
		}
		status, err := p.post(p.ctx, hook.address, Body(p.o.BotID, e))
		p.hooks.note(Delivery{EventID: e.WebhookEventID, Status: status, Again: try > 0})
		if status >= 200 && status < 300 {
			return
		}
		if try >= p.o.Redeliver {
			p.o.Log.Warn("webhook given up", "event", e.WebhookEventID, "status", status, "error", err)
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-p.ctx.Done():
			timer.Stop()
		}
		pause = min(pause*2, longest)
	}
}

// post makes one signed call; strict platforms wait two seconds for the answer.
func (p *Platform) post(ctx context.Context, address string, body []byte) (int, error) {
	patience := 10 * time.Second
	if p.o.Strict {
		patience = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "LineBotWebhook/2.0")
	req.Header["x-line-signature"] = []string{Sign(p.o.Secret, body)}
	res, err := p.o.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, nil
}

func (p *Platform) endpoint(*http.Request, []byte) answer {
	hook := p.webhook.Load()
	if hook.address == "" {
		return refuse(404, "Webhook endpoint not found")
	}
	return reply(200, map[string]any{"endpoint": hook.address, "active": hook.active})
}

func (p *Platform) setEndpoint(_ *http.Request, body []byte) answer {
	address, ok := p.endpointOf(body)
	if !ok || address == "" {
		return refuse(400, "Invalid webhook endpoint URL")
	}
	p.SetWebhook(address, p.webhook.Load().active)
	return reply(200, struct{}{})
}

// testEndpoint sends a body without events, as the console's "Verify" does.
func (p *Platform) testEndpoint(r *http.Request, body []byte) answer {
	address, ok := p.endpointOf(body)
	if !ok {
		return refuse(400, "Invalid webhook endpoint URL")
	}
	if address == "" {
		if address = p.webhook.Load().address; address == "" {
			return refuse(404, "Webhook endpoint not found")
		}
	}
	status, err := p.post(r.Context(), address, Body(p.o.BotID))
	result := map[string]any{"success": status == 200, "timestamp": p.o.Now().UTC().Format(time.RFC3339Nano), "statusCode": status, "reason": "OK", "detail": strconv.Itoa(status)}
	switch {
	case err != nil:
		result["reason"], result["detail"] = "COULD_NOT_CONNECT", "Failure to connect"
	case status != 200:
		result["reason"] = "ERROR_STATUS_CODE"
	}
	return reply(200, result)
}

func (p *Platform) endpointOf(body []byte) (string, bool) {
	var c struct {
		Endpoint string `json:"endpoint"`
	}
	if json.Unmarshal(body, &c) != nil || len(c.Endpoint) > 500 {
		return "", false
	}
	ok := c.Endpoint == "" || strings.HasPrefix(c.Endpoint, "https://") || p.o.AllowHTTP && strings.HasPrefix(c.Endpoint, "http://")
	return c.Endpoint, ok
}
