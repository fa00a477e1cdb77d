package app

import (
	"net/http"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/webchat"
)

// adapters is the table of messengers that the house speaks.
func adapters(client *http.Client) map[channel.Kind]channel.Adapter {
	return map[channel.Kind]channel.Adapter{
		channel.LINE:    line.New(client),
		channel.WebChat: webchat.Adapter{},
	}
}
