package linefake

import (
	"sync"
	"time"
)

// meter counts the month's pushes.
type meter struct {
	mu    sync.Mutex
	limit int
	used  int
	month time.Month
}

func (m *meter) take(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	if m.limit > 0 && m.used >= m.limit {
		return false
	}
	m.used++
	return true
}

func (m *meter) read(now time.Time) (limit, used int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	return m.limit, m.used
}

func (m *meter) turn(now time.Time) {
	if now.Month() != m.month {
		m.month, m.used = now.Month(), 0
	}
}

// SetQuota changes the month's allowance (0: no limit) and what is used of it.
func (p *Platform) SetQuota(limit, used int) {
	p.month.mu.Lock()
	defer p.month.mu.Unlock()
	p.month.month = p.o.Now().Month()
	p.month.limit, p.month.used = limit, used
}

// bucket holds calls a second: it fills at the rate, and holds one second's worth.
type bucket struct {
	mu        sync.Mutex
	perSecond float64
	level     float64
	at        time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.perSecond <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at.IsZero() {
		b.level = b.perSecond
	} else {
		b.level = min(b.perSecond, b.level+now.Sub(b.at).Seconds()*b.perSecond)
	}
	b.at = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}
