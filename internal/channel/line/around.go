package line

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"dingdong/internal/channel"
)

// Profile tells a person's name and picture, inside a group those of the member
// who wrote, or the group's own. It is Unreachable for who blocked the account,
// never added it, or does not consent.
func (ad *Adapter) Profile(ctx context.Context, acc channel.Account, p channel.Peer) (channel.Profile, error) {
	path, ok := profilePath(p)
	if !ok {
		return channel.Profile{}, &channel.Error{Kind: channel.Unreachable, Message: "LINE tells nothing of this partner"}
	}
	var got struct {
		DisplayName string `json:"displayName"`
		GroupName   string `json:"groupName"`
		PictureURL  string `json:"pictureUrl"`
		Language    string `json:"language"`
	}
	if err := ad.get(ctx, acc, path, &got); err != nil {
		var e *channel.Error
		if errors.As(err, &e) && e.Status == http.StatusNotFound {
			e.Kind = channel.Unreachable
		}
		return channel.Profile{}, err
	}
	name := got.DisplayName
	if name == "" {
		name = got.GroupName
	}
	return channel.Profile{Name: clean(name), Picture: clean(got.PictureURL), Language: clean(got.Language)}, nil
}

func profilePath(p channel.Peer) (string, bool) {
	id, sender := url.PathEscape(p.ID), url.PathEscape(p.Sender)
	switch {
	case id == "":
		return "", false
	case p.Type == channel.Person || p.Type == "":
		return "/v2/bot/profile/" + id, true
	case p.Type == channel.Group && sender != "":
		return "/v2/bot/group/" + id + "/member/" + sender, true
	case p.Type == channel.Room && sender != "":
		return "/v2/bot/room/" + id + "/member/" + sender, true
	case p.Type == channel.Group:
		return "/v2/bot/group/" + id + "/summary", true
	}
	return "", false
}

// Fetch streams what a customer sent. The caller bounds its size and, by ctx, its
// time; Media.Size is what LINE announces, 0 if it announces none.
func (ad *Adapter) Fetch(ctx context.Context, acc channel.Account, externalID string, _ channel.BodyType) (io.ReadCloser, channel.Media, error) {
	if externalID == "" {
		return nil, channel.Media{}, channel.ErrGone
	}
	r := request{method: http.MethodGet, url: base(acc.DataBase, dataBase) + "/v2/bot/message/" + url.PathEscape(externalID) + "/content"}
	res, err := ad.do(ctx, acc, r)
	if err != nil {
		return nil, channel.Media{}, err
	}
	if res.StatusCode == http.StatusOK {
		media := channel.Media{Size: max(res.ContentLength, 0)}
		if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil {
			media.MIME = kind
		}
		return res.Body, media, nil
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch res.StatusCode {
	case http.StatusAccepted:
		return nil, channel.Media{}, channel.ErrNotReady
	case http.StatusNotFound, http.StatusGone:
		return nil, channel.Media{}, channel.ErrGone
	}
	return nil, channel.Media{}, classify(answer{status: res.StatusCode, header: res.Header, body: body}, r, acc)
}

// MarkRead shows the customer that her message, and all before it, were read.
func (ad *Adapter) MarkRead(ctx context.Context, acc channel.Account, readToken string) error {
	return ad.post(ctx, acc, "/v2/bot/chat/markAsRead", map[string]string{"markAsReadToken": readToken}, nil)
}

// Typing shows that an answer is being prepared, for d rounded up to what LINE
// takes: 5 to 60 seconds by fives. It works with single persons only.
func (ad *Adapter) Typing(ctx context.Context, acc channel.Account, to string, d time.Duration) error {
	seconds := int((d + 5*time.Second - 1) / (5 * time.Second) * 5)
	call := struct {
		ChatID         string `json:"chatId"`
		LoadingSeconds int    `json:"loadingSeconds"`
	}{to, min(max(seconds, 5), 60)}
	return ad.post(ctx, acc, "/v2/bot/chat/loading/start", call, nil)
}

// Quota tells the month's allowance of pushes and what is used of it; LINE calls
// the latter approximate.
func (ad *Adapter) Quota(ctx context.Context, acc channel.Account) (channel.Quota, error) {
	var limit struct {
		Type  string  `json:"type"`
		Value float64 `json:"value"`
	}
	if err := ad.get(ctx, acc, "/v2/bot/message/quota", &limit); err != nil {
		return channel.Quota{}, err
	}
	var used struct {
		TotalUsage float64 `json:"totalUsage"`
	}
	if err := ad.get(ctx, acc, "/v2/bot/message/quota/consumption", &used); err != nil {
		return channel.Quota{}, err
	}
	const most = 1e12
	q := channel.Quota{Limited: limit.Type == "limited", Used: int(whole(used.TotalUsage, most))}
	if q.Limited {
		q.Limit = int(whole(limit.Value, most))
	}
	return q, nil
}

func (ad *Adapter) get(ctx context.Context, acc channel.Account, path string, into any) error {
	ans, err := ad.call(ctx, acc, request{method: http.MethodGet, url: base(acc.APIBase, apiBase) + path})
	if err != nil {
		return err
	}
	return decode(ans, into)
}

func (ad *Adapter) post(ctx context.Context, acc channel.Account, path string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return rejected("the call cannot be written as JSON")
	}
	ans, err := ad.call(ctx, acc, request{method: http.MethodPost, url: base(acc.APIBase, apiBase) + path, body: body})
	if err != nil || into == nil {
		return err
	}
	return decode(ans, into)
}

// decode reads an answer; one that is no JSON was cut short or came from somebody
// else, and is worth another try.
func decode(ans answer, into any) error {
	if json.Unmarshal(ans.body, into) != nil {
		return &channel.Error{Kind: channel.Retry, Status: ans.status, Message: "an answer that is not LINE's", RequestID: ans.requestID()}
	}
	return nil
}
