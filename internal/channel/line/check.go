package line

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dingdong/internal/channel"
)

// lowShare of the monthly allowance left is when a warning is due.
const lowShare = 10 // per cent

// Check asks the platform whether the token works, whose account it is, whether
// webhooks come to the address they should, and what is left of the month. The
// error is ctx's alone; everything else is a finding.
func (ad *Adapter) Check(ctx context.Context, acc channel.Account, webhook string) ([]channel.Finding, channel.AccountInfo, error) {
	var bot struct {
		UserID      string `json:"userId"`
		BasicID     string `json:"basicId"`
		DisplayName string `json:"displayName"`
		PictureURL  string `json:"pictureUrl"`
	}
	if err := ad.get(ctx, acc, "/v2/bot/info", &bot); err != nil {
		f := channel.Finding{Code: "unreachable", Detail: detailOf(err)}
		if kindOf(err) == channel.Misconfigured {
			f.Code = "token_refused"
		}
		return []channel.Finding{f}, channel.AccountInfo{}, ctx.Err()
	}
	info := channel.AccountInfo{BotID: clean(bot.UserID), Name: clean(bot.DisplayName), BasicID: clean(bot.BasicID), Picture: clean(bot.PictureURL)}
	found := []channel.Finding{
		{OK: true, Code: "token_ok"},
		{OK: true, Code: "bot_ok", Detail: strings.TrimSpace(info.Name + " " + info.BasicID)},
	}
	found = append(found, ad.checkWebhook(ctx, acc, webhook)...)
	found = append(found, ad.checkQuota(ctx, acc))
	return found, info, ctx.Err()
}

func (ad *Adapter) checkWebhook(ctx context.Context, acc channel.Account, want string) []channel.Finding {
	var set struct {
		Endpoint string `json:"endpoint"`
		Active   bool   `json:"active"`
	}
	var found []channel.Finding
	err := ad.get(ctx, acc, "/v2/bot/channel/webhook/endpoint", &set)
	var e *channel.Error
	switch {
	case errors.As(err, &e) && e.Status == http.StatusNotFound:
		// No address is set at all.
		return []channel.Finding{{Code: "webhook_other"}}
	case err != nil:
		return []channel.Finding{{Code: "unreachable", Detail: detailOf(err)}}
	case !sameAddress(set.Endpoint, want):
		found = append(found, channel.Finding{Code: "webhook_other", Detail: clean(set.Endpoint)})
	case set.Active:
		found = append(found, channel.Finding{OK: true, Code: "webhook_ok", Detail: clean(set.Endpoint)})
	}
	if !set.Active {
		found = append(found, channel.Finding{Code: "webhook_off"})
	}
	return append(found, ad.testWebhook(ctx, acc, want))
}

// testWebhook lets LINE call the address that ought to be set, so that it can be
// proven before it is.
func (ad *Adapter) testWebhook(ctx context.Context, acc channel.Account, want string) channel.Finding {
	call := struct {
		Endpoint string `json:"endpoint,omitempty"`
	}{want}
	var got struct {
		Success    bool   `json:"success"`
		StatusCode int    `json:"statusCode"`
		Reason     string `json:"reason"`
		Detail     string `json:"detail"`
	}
	if err := ad.post(ctx, acc, "/v2/bot/channel/webhook/test", call, &got); err != nil {
		return channel.Finding{Code: "webhook_test_failed", Detail: detailOf(err)}
	}
	if !got.Success {
		return channel.Finding{Code: "webhook_test_failed", Detail: strings.TrimSpace(clean(got.Reason + " " + got.Detail))}
	}
	return channel.Finding{OK: true, Code: "webhook_test_ok", Detail: strconv.Itoa(got.StatusCode)}
}

func (ad *Adapter) checkQuota(ctx context.Context, acc channel.Account) channel.Finding {
	q, err := ad.Quota(ctx, acc)
	switch {
	case err != nil:
		return channel.Finding{Code: "unreachable", Detail: detailOf(err)}
	case !q.Limited:
		return channel.Finding{OK: true, Code: "quota_ok", Detail: strconv.Itoa(q.Used)}
	case (q.Limit-q.Used)*100 < q.Limit*lowShare || q.Used >= q.Limit:
		return channel.Finding{Code: "quota_low", Detail: fmt.Sprintf("%d/%d", q.Used, q.Limit)}
	}
	return channel.Finding{OK: true, Code: "quota_ok", Detail: fmt.Sprintf("%d/%d", q.Used, q.Limit)}
}

// sameAddress compares two addresses as a browser would: scheme and host without
// regard to case. An empty want asks for nothing in particular.
func sameAddress(got, want string) bool {
	if want == "" || got == want {
		return true
	}
	g, err1 := url.Parse(got)
	w, err2 := url.Parse(want)
	return err1 == nil && err2 == nil && strings.EqualFold(g.Scheme, w.Scheme) && strings.EqualFold(g.Host, w.Host) &&
		g.EscapedPath() == w.EscapedPath() && g.RawQuery == w.RawQuery
}

func kindOf(err error) channel.ErrorKind {
	var e *channel.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// detailOf gives the platform's own words, or why it gave none.
func detailOf(err error) string {
	var e *channel.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Message == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Message
}
