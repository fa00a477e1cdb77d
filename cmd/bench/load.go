package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dingdong/internal/channel/line/linefake"
)

// client keeps its connections: what is measured is the house, not handshakes.
func client(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}, Timeout: 30 * time.Second}
}

// webhooks makes signed LINE bodies with one text each.
type webhooks struct {
	customers int64
	n         atomic.Int64
	salt      string   // so that two series never share an event id
	texts     []string // one after the other; empty: chat
}

// chat is what people write to a counter. Some of it says something of them.
var chat = []string{
	rich, "好的,謝謝你!", "我週六下午過去可以嗎", "Thank you, see you on Friday", "上次那支快用完了", "在嗎", "我到了,在專櫃旁邊", "那我再想想",
	"ok 👌", "How long does it take to arrive?",
}

// rich says four things of her at once.
const rich = "請問 21 號還有嗎?我是敏感肌,想找淡一點的香水"

func (w *webhooks) next() (body []byte, signature string) {
	n := w.n.Add(1)
	texts := w.texts
	if len(texts) == 0 {
		texts = chat
	}
	// Each customer goes through all of them.
	text := texts[(n+n/w.customers)%int64(len(texts))] + " "
	body = linefake.Body("U00000000000000000000000000000000", linefake.TextEvent(linefake.Meta{
		EventID: fmt.Sprintf("01%s%020d", w.salt, n), MessageID: fmt.Sprintf("%s%d", w.salt, n), User: fmt.Sprintf("U%032x", n%w.customers),
		ReplyToken: fmt.Sprintf("%s%028d", w.salt, n), QuoteToken: "q3Plxr4AgKd", ReadToken: "30yhdy232", At: time.Now(),
	}, text+strconv.FormatInt(n, 10)))
	return body, linefake.Sign(secret, body)
}

func (w *webhooks) post(ctx context.Context, c *http.Client, url string) error {
	body, signature := w.next()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Line-Signature", signature)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return nil
}

// flood posts over some connections as fast as it can and returns events a second.
func (w *webhooks) flood(ctx context.Context, url string, connections int, d time.Duration) (float64, error) {
	c := client(connections)
	defer c.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for range connections {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := w.post(context.WithoutCancel(ctx), c, url); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}

// paced posts on a clock, whether or not the former posts were answered, and
// returns the delays from the planned moment to the answer.
func (w *webhooks) paced(ctx context.Context, url string, perSecond int, d time.Duration) ([]time.Duration, error) {
	c := client(512)
	defer c.CloseIdleConnections()
	total := int(d.Seconds() * float64(perSecond))
	delays := make([]time.Duration, total)
	errs := make([]error, total)
	var wg sync.WaitGroup
	began := time.Now()
	for n := range total {
		planned := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		if wait := time.Until(planned); wait > 0 {
			time.Sleep(wait)
		}
		wg.Go(func() {
			errs[n] = w.post(ctx, c, url)
			delays[n] = time.Since(planned)
		})
	}
	wg.Wait()
	return delays, errors.Join(errs...)
}

func percentile(delays []time.Duration, p float64) time.Duration {
	sorted := slices.Clone(delays)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*p))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// page is an advisor's open page: it reads the live stream and tells the number
// of each event it was told, with the time.
func (h *house) page(ctx context.Context, cookie string, told func(id int64, at time.Time)) (ready <-chan error) {
	open := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.address+"/live?box=all", nil)
		if err != nil {
			open <- err
			return
		}
		req.AddCookie(&http.Cookie{Name: "dingdong", Value: cookie})
		req.Header.Set("Accept", "text/event-stream")
		res, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
		if err != nil {
			open <- err
			return
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			open <- fmt.Errorf("the live page answered %d", res.StatusCode)
			return
		}
		open <- nil
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id:"); ok {
				if n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 64); err == nil {
					told(n, time.Now())
				}
			}
		}
	}()
	return open
}
