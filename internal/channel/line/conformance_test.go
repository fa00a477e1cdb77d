package line_test

import (
	"net/http"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/channel/channeltest"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/line/linefake"
)

func TestConformance(t *testing.T) {
	channeltest.Run(t, channeltest.Channel{
		Adapter: line.New(nil),
		Account: channel.Account{Kind: channel.LINE, Secret: "8c570fa6dd201bb328f1c1eac23a96d8"},
		Dir:     "testdata",
		Sign: func(a channel.Account, body []byte) channel.Request {
			return channel.Request{Header: http.Header{"X-Line-Signature": {linefake.Sign(a.Secret, body)}}, Body: body}
		},
	})
}
