package linefake

import (
	"fmt"
	"strings"
	"testing"
)

func TestQuickRepliesAreHeldToTheRules(t *testing.T) {
	p, base := start(t, Options{})
	user := p.Person("", "Lin")
	p.Befriend(user)
	item := func(label, data string) string {
		return fmt.Sprintf(`{"type":"action","action":{"type":"postback","label":%q,"data":%q,"displayText":%q}}`, label, data, label)
	}
	push := func(items string) (int, string) {
		body := fmt.Sprintf(`{"to":%q,"messages":[{"type":"text","text":"hi","quickReply":{"items":[%s]}}]}`, user, items)
		return ask(t, "POST", base+"/v2/bot/message/push", p.Options().Token, body, "Content-Type", "application/json")
	}
	for name, c := range map[string]struct {
		items, says string
	}{
		"none":           {"", "Size must be between 1 and 13"},
		"fourteen":       {strings.TrimSuffix(strings.Repeat(item("a", "b")+",", 14), ","), "Size must be between 1 and 13"},
		"no label":       {item("", "b"), "quickReply.items[0].action.label"},
		"long label":     {item(strings.Repeat("字", 21), "b"), "quickReply.items[0].action.label"},
		"no data":        {item("a", "b") + "," + item("a", ""), "quickReply.items[1].action.data"},
		"long data":      {item("a", strings.Repeat("b", 301)), "action.data"},
		"another action": {`{"type":"action","action":{"type":"message","label":"a","text":"b"}}`, "action.type"},
		"not an action":  {strings.Replace(item("a", "b"), `"type":"action"`, `"type":"x"`, 1), "items[0].type"},
	} {
		if status, body := push(c.items); status != 400 || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, body := push(item("Yes", "dd:x")); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := ask(t, "GET", base+"/phone/api/people/"+user+"/messages", "", ""); status != 200 || !strings.Contains(body, `"choices":[{"label":"Yes","data":"dd:x","shows":"Yes"}]`) {
		t.Errorf("her phone: %d %s", status, body)
	}
	if p.Tap(user, "No").EventID != "" || p.Tap("U-nobody", "Yes").EventID != "" {
		t.Error("what is not there was tapped")
	}
	if p.Tap(user, "Yes").EventID == "" || p.Tap(user, "Yes").EventID != "" {
		t.Error("a button is there until the next message, and no longer")
	}
}
