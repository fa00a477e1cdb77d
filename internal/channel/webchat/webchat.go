// Package webchat is the channel that we are the platform of: visitors of a web
// site write to our own door, and read what we answer from it. So nothing has to
// be called to send: an answer that is stored is an answer she can read.
package webchat

import (
	"context"

	"dingdong/internal/channel"
)

// Adapter is the web chat's side of the channel contract.
type Adapter struct{}

// Limits of our own page.
func (Adapter) Limits() channel.Limits {
	return channel.Limits{Bubbles: 1, TextUnits: 5000, Idempotent: true}
}

// Receive refuses everything: visitors come through the chat's own door, which
// knows them by a signed token, and never through the platforms' webhooks.
func (Adapter) Receive(channel.Account, channel.Request) ([]channel.Inbound, error) {
	return nil, channel.ErrSignature
}

// Send has nothing to call. The bubble's own id serves as the platform's.
func (Adapter) Send(_ context.Context, _ channel.Account, out channel.Outbound) (channel.Receipt, error) {
	return channel.Receipt{RequestID: out.RetryKey}, nil
}
