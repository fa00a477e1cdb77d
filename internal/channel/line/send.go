package line

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"dingdong/internal/channel"
)

// Send makes one call: a reply if there is a reply token, else a push under its
// retry key. A reply takes no retry key, so a reply of unknown outcome stays
// unknown: LINE has nothing to ask.
func (ad *Adapter) Send(ctx context.Context, acc channel.Account, o channel.Outbound) (channel.Receipt, error) {
	body, err := encode(o)
	if err != nil {
		return channel.Receipt{}, err
	}
	r := request{method: http.MethodPost, url: base(acc.APIBase, apiBase) + "/v2/bot/message/push", body: body, retryKey: o.RetryKey}
	if o.ReplyToken != "" {
		r.url, r.retryKey, r.reply = base(acc.APIBase, apiBase)+"/v2/bot/message/reply", "", true
	}
	ans, err := ad.call(ctx, acc, r)
	if err == nil {
		return receiptOf(ans), nil
	}
	if acceptedBefore(ans, r) {
		receipt := receiptOf(ans)
		receipt.Repeated = true
		// The call that took effect is the one that statistics and support know.
		if id := ans.header.Get("X-Line-Accepted-Request-Id"); id != "" {
			receipt.RequestID = id
		}
		return receipt, nil
	}
	return channel.Receipt{}, err
}

// acceptedBefore recognises the conflict that means "this push was accepted the
// first time".
func acceptedBefore(ans answer, r request) bool {
	return ans.status == http.StatusConflict && r.retryKey != "" &&
		(ans.header.Get("X-Line-Accepted-Request-Id") != "" || strings.Contains(strings.ToLower(string(ans.body)), "retry key"))
}

// receiptOf reads the ids of what was sent. An accepted call whose answer cannot be
// read is accepted all the same.
func receiptOf(ans answer) channel.Receipt {
	receipt := channel.Receipt{RequestID: ans.requestID()}
	var sent struct {
		SentMessages []struct {
			ID         looseID `json:"id"`
			QuoteToken string  `json:"quoteToken"`
		} `json:"sentMessages"`
	}
	if json.Unmarshal(ans.body, &sent) != nil {
		return receipt
	}
	for _, m := range sent.SentMessages {
		receipt.ExternalIDs = append(receipt.ExternalIDs, clean(string(m.ID)))
		receipt.QuoteTokens = append(receipt.QuoteTokens, clean(m.QuoteToken))
	}
	return receipt
}

// looseID takes an id as text or number: the reference says "Number", its examples
// show text.
type looseID string

// UnmarshalJSON keeps a number's digits as they are written.
func (id *looseID) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(id))
	}
	if len(b) == 0 || b[0] != '-' && (b[0] < '0' || b[0] > '9') {
		return errors.New("an id is text or a number")
	}
	*id = looseID(b)
	return nil
}
