package app

import (
	"context"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/staff"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// byName is a house that browsers reach by a name: they bind passkeys to one.
func byName(t *testing.T) *home {
	h := newHouseWith(t, plan{config: func(c *Config) { c.Listen = "localhost:0" }})
	h.url = "http://localhost:" + h.Address()[strings.LastIndex(h.Address(), ":")+1:]
	return h
}

// device gives a tab a device that keeps passkeys and knows her finger.
func (p *tab) device() {
	p.t.Helper()
	p.call(func(ctx context.Context) error {
		if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
		return err
	})
}

// She adds a passkey, signs out, and comes back without typing anything.
func sheSignsInWithAPasskey(t *testing.T, c *chromium) {
	h := byName(t)
	h.hire("Ada", staff.Admin)
	mei := c.person(t, h.url, "Mei")
	mei.device()
	mei.open("/sign-in")
	mei.write("#f-email", advisorEmail)
	mei.write("#f-password", advisorPassword)
	mei.press("\r")
	mei.until("the console", `location.pathname !== "/sign-in"`)
	mei.open("/me/passkeys/new")
	mei.write("#f-name", "My phone")
	mei.click("button[type=submit]", "Add it now")
	mei.shows("#passkeys .row", "My phone")
	mei.open("/me/passkeys/new")
	mei.pardon("InvalidStateError")
	mei.click("button[type=submit]", "Add it now")
	mei.shows(".alert", "This device has a passkey for you already.")
	mei.open("/me")
	mei.click(`form[action="/sign-out"] button`, "")
	mei.shows("h1", "Sign in")
	mei.open("/sign-in?next=/me")
	mei.click("button", "Sign in with a passkey")
	mei.shows("h1", "Mei")
	mei.shows(".row", "by passkey")

	// Ten minutes later she is asked again, and her finger is enough.
	h.ages()
	mei.open("/me/passkeys/new")
	mei.shows("h1", "Is it still you?")
	mei.click("button", "Sign in with a passkey")
	mei.shows("h1", "Add a passkey")

	mei.open("/me")
	mei.click("#passkeys button[data-dialog]", "Remove")
	mei.until("the question", `document.querySelector("dialog[open] h2")?.textContent.includes("My phone")`)
	mei.click("dialog[open] button[type=submit]", "Remove")
	mei.shows(".toast", "Passkey removed")
	mei.hides("#passkeys .row", "My phone")
}

// ages lets everybody's proof grow old.
func (h *home) ages() {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE session SET proven_at = $1`, db.Micro(tx.Now.Add(-staff.FreshFor)))
		return err
	})
}

// What she has typed is still there when she has proved who she is.
func whatIsDelicateAsksWhoSheIs(t *testing.T, c *chromium) {
	h := newHouse(t)
	ada := h.hire("Ada", staff.Admin)
	must(t, h.Door.GivePassword(t.Context(), staff.System(), ada, advisorPassword))
	p := h.console(c, ada, "Ada")
	p.pardon("401", "422")
	p.open("/admin/tokens/new")
	p.write("#f-name", "Stock & more")
	p.click(`label:has([value="threads:read"])`, "")
	h.ages()
	p.click("form button[type=submit]", "")
	p.shows("h1", "Is it still you?")
	p.write("#f-again", "not her password")
	p.press("\r")
	p.shows(".alert", "not your current password")
	p.write("#f-again", advisorPassword)
	p.press("\r")
	p.until("the token", `document.body.textContent.includes("dd_")`)
	if n := h.number(`SELECT COUNT(*) FROM api_token WHERE name = 'Stock & more' AND scopes = 'threads:read'`); n != 1 {
		t.Errorf("%d tokens", n)
	}
}
