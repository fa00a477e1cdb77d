package app

import (
	"fmt"
	"net/url"
	"testing"

	"dingdong/internal/staff"
)

// The language changes at once and stays; the appearance too.
func sheReadsHerLanguage(t *testing.T, c *chromium) {
	h := newHouse(t)
	mei := h.console(c, h.advisor, "Mei")
	mei.open("/me")
	mei.shows("h2", "How it looks and sounds")
	mei.click(".languages button", "繁體中文")
	mei.until("Chinese", `document.documentElement.lang === "zh-TW"`)
	mei.shows("h2", "外觀與聲音")
	mei.open("/inbox")
	mei.until("Chinese here too", `document.documentElement.lang === "zh-TW"`)
	mei.open("/me")
	mei.click(".languages button", "English")
	mei.shows("h2", "How it looks and sounds")

	paper := `getComputedStyle(document.body).backgroundColor`
	light := read[string](mei, paper)
	mei.click(".segments label", "Dark")
	mei.until("the dark", `document.documentElement.dataset.theme === "dark"`)
	mei.until("another colour", fmt.Sprintf("%s !== %q", paper, light))
	mei.open("/inbox")
	mei.until("the dark here too", `document.documentElement.dataset.theme === "dark"`)
}

// An empty house asks once who is in charge.
func theFirstRunAsksForAnAdministrator(t *testing.T, c *chromium) {
	h := newHouseWith(t, plan{unsown: true})
	ada := c.person(t, h.url, "Ada").wide()
	ada.open("/")
	ada.shows("h1", "Welcome")
	ada.write("#f-name", "Ada")
	ada.write("#f-email", "ada@group.example")
	ada.write("#f-password", advisorPassword)
	ada.click("button[type=submit]", "Begin")
	ada.until("the console", `location.pathname !== "/first"`)
	ada.open("/admin")
	ada.shows("h1", "Administration")

	later := c.person(t, h.url, "somebody later")
	later.open("/first")
	later.shows("h1", "Sign in") // there is no second first time
}

// Signing in, and what happens to those who guess.
func guessingIsSlowedDown(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.hire("Ada", staff.Admin) // without one, everybody is asked to be the first
	mei := c.person(t, h.url, "Mei")
	mei.open("/inbox")
	mei.until("the sign-in page", `location.pathname === "/sign-in"`)
	mei.write("#f-email", advisorEmail)
	mei.write("#f-password", advisorPassword)
	mei.press("\r")
	mei.until("where she wanted to go", `location.pathname === "/inbox"`)

	guesser := c.person(t, h.url, "a guesser")
	guesser.pardon("422", "429")
	guesser.open("/sign-in")
	for range 4 { // he has been at it for a while
		newBrowser(t, h.url).post("/sign-in", url.Values{"email": {advisorEmail}, "password": {"not her password"}})
	}
	try := func(password, said string) {
		guesser.write("#f-email", "")
		read[bool](guesser, js(`(email) => (document.getElementById("f-email").value = email) === email`, advisorEmail))
		guesser.write("#f-password", password)
		guesser.press("\r")
		guesser.shows(".alert", said)
	}
	try("nor is this", "E-mail and password do not belong together.")
	try(advisorPassword, "Too many tries. Please wait a minute.") // not even the right one
	mei.reload()
	mei.shows("h1", "Messages") // who is in stays in
}

// She ends a session that she does not know; its open page is sent away.
func sheEndsAnotherSession(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.hire("Ada", staff.Admin)
	here, there := h.console(c, h.advisor, "Mei"), h.console(c, h.advisor, "Mei's lost phone")
	there.pardon("401")
	there.open("/inbox")
	there.shows("h1", "Messages")
	here.open("/me")
	here.shows(".pill", "This one")
	here.click("#main li button", "End")
	here.shows(".toast", "Session ended")
	there.until("the sign-in page", `location.pathname === "/sign-in"`)
	there.shows("h1", "Sign in")
	here.open("/inbox")
	here.shows("h1", "Messages")
}
