package app

import (
	"net/http"
	"strings"
	"testing"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/staff"
)

// A LINE account is added through the pages; "Check" says in words what is
// missing at LINE; then her customers can write.
func anAccountIsAdded(t *testing.T, c *chromium) {
	h := newHouse(t)
	phone := newPlatform(t, linefake.Options{})
	ada, mei := h.console(c, h.hire("Ada", staff.Admin), "Ada"), h.console(c, h.advisor, "Mei")
	ada.open("/admin")
	ada.click("#main a", "Channel accounts")
	ada.shows("h1", "Channel accounts")
	ada.click("#main a", "Add an account")
	ada.click("#main a", "LINE")
	ada.write("#f-name", "Second line")
	ada.until("the counter to be chosen", `[...document.getElementById("f-counter").options].some((o) => o.text.includes("Rosée Xinyi") && ((o.selected = true)))`)
	ada.write("#f-secret", lineSecret)
	ada.write("#f-token", lineToken)
	ada.click("details.advanced summary", "Advanced")
	ada.write("#f-api_base", platformURL(phone))
	ada.write("#f-data_base", platformURL(phone))
	ada.click("button[type=submit]", "Add the account")
	ada.shows("h2", "Set-up at LINE")
	ada.hides("#main", lineSecret)
	ada.hides("#main", lineToken)

	// LINE does not know where to call yet.
	ada.click("button", "Check")
	ada.shows("#findings .alert", "Something needs a hand.")
	ada.shows("#findings .finding-good", "The access token works")
	ada.shows("#findings .finding-bad", "The webhook goes somewhere else")
	ada.shows("#findings .finding-bad", "Paste the webhook URL above into the console.")

	// She pastes there what the page shows, and asks again.
	webhook := ""
	for _, text := range ada.texts("#main code") {
		if strings.Contains(text, "/in/") {
			webhook = text
		}
	}
	if !strings.HasPrefix(webhook, h.url+"/in/") {
		t.Fatalf("the page shows no webhook URL but %q", ada.texts("#main code"))
	}
	phone.SetWebhook(webhook, true)
	ada.click("button", "Check")
	ada.shows("#findings .alert-good", "Everything is as it should be.")

	mei.open("/inbox?box=all")
	phone.Person("U7", "Vivian")
	phone.Follow("U7")
	phone.Text("U7", "is this the new line?")
	mei.shows(".thread-row", "is this the new line?")
	mei.click(".thread-row", "Vivian") // her name comes a moment later, and draws the row again
	mei.write("#text", "It is.")
	mei.press("\r")
	eventually(t, func() string {
		if sent := phone.Sent("U7"); len(sent) != 1 || sent[0].Text != "It is." {
			return "she has no answer"
		}
		return ""
	})

	// With a wrong token LINE says no, and the page says what to do.
	phone.Fail(func(*http.Request) linefake.Fault { return linefake.Fault{Status: http.StatusUnauthorized} })
	ada.click("button", "Check")
	ada.shows("#findings .finding-bad", "LINE refuses the access token")
}
