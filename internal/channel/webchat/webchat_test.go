package webchat

import (
	"errors"
	"testing"

	"dingdong/internal/channel"
)

func TestWebhookDoorIsClosed(t *testing.T) {
	_, err := Adapter{}.Receive(channel.Account{}, channel.Request{Body: []byte(`{"events":[]}`)})
	if !errors.Is(err, channel.ErrSignature) {
		t.Errorf("got %v, want the signature refused", err)
	}
}

func TestSendTakesEverything(t *testing.T) {
	r, err := Adapter{}.Send(t.Context(), channel.Account{}, channel.Outbound{RetryKey: "k", Bodies: []channel.Body{{Type: channel.Text, Text: "hi"}}})
	if err != nil || r.RequestID != "k" {
		t.Errorf("got %+v, %v", r, err)
	}
}
