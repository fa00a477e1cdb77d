package web

import (
	"net/http"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/staff"
)

// handler is the one shape of everything that answers a request. An error becomes
// a status and a sentence in errors.go.
type handler func(w http.ResponseWriter, r *http.Request, v *Visit) error

// access says who may call a route. The zero value is refused at start.
type access struct {
	kind       string
	permission staff.Permission
	anywhere   bool // also from a browser or network that her session is not known in
	fresh      bool // wants a proof of who she is that is not older than staff.FreshFor
}

// Who may call, short of a permission.
var (
	public   = access{kind: "public"}                  // anybody; the visit is without a viewer
	foreign  = access{kind: "foreign"}                 // anybody from any origin: doors that check a signature or token of their own
	signedIn = access{kind: "signed in"}               // any member of staff; the rooms decide what she sees
	oneself  = access{kind: "oneself"}                 // the same, even while she still has to choose a password
	asked    = access{kind: "oneself", anywhere: true} // the same, even while it is asked whether it is she

	administers = access{kind: "administers"} // whoever has anything to do on the administration's pages
)

// may asks for a permission.
func may(p staff.Permission) access { return access{kind: "permission", permission: p} }

// fresh wants somebody who proved a short while ago who she is: for what takes data out
// of the house, gives rights or shows secrets. Mark the form's page and what it posts to.
func fresh(a access) access { a.fresh = true; return a }

// cardBody bounds what is entered on a card: the longest note, thrice encoded.
const cardBody = 64 << 10

// signBody bounds a signature: a few thousand points, encoded.
const signBody = 256 << 10

// bodyLimit bounds a request's body where the route names no limit of its own.
const bodyLimit = 1 << 20

// route is one line of the table.
type route struct {
	pattern string
	access  access
	handle  handler
	body    int64 // most bytes of a request body; 0: bodyLimit
}

// shows tells that a route is about one thread, so that to call it is to look at
// its customer.
func (rt route) shows() bool { return strings.Contains(rt.pattern, " /inbox/{thread}") }

// handsOut tells that a route takes files with personal data out of the house: who may not
// have them and tries leaves a line.
func (rt route) handsOut() bool {
	return rt.access.permission == staff.AskExports || rt.access.permission == staff.KeepPrivacy && strings.Contains(rt.pattern, "/file")
}

// movesPeople tells what may end a session or change who sees what: open pages
// look again after it.
func (rt route) movesPeople() bool {
	return strings.HasPrefix(rt.pattern, "POST /admin/") || strings.HasPrefix(rt.pattern, "POST /me/") || rt.pattern == "POST /sign-out"
}

// routes is the table of everything the server answers.
func (s *Server) routes() []route {
	return []route{
		// frame
		{pattern: "GET /{$}", access: oneself, handle: s.home},
		{pattern: "GET /static/", access: public, handle: s.static},
		{pattern: "GET /favicon.ico", access: public, handle: s.favicon},
		{pattern: "GET /healthz", access: public, handle: s.healthz},
		{pattern: "GET /readyz", access: public, handle: s.readyz},
		{pattern: "/", access: public, handle: s.notFound},

		// signing in, and oneself
		{pattern: "GET /first", access: public, handle: s.firstRun},
		{pattern: "POST /first", access: public, handle: s.createFirst},
		{pattern: "GET /sign-in", access: public, handle: s.showSignIn},
		{pattern: "POST /sign-in", access: public, handle: s.signIn},
		{pattern: "POST /sign-in/demo", access: public, handle: s.signInDemo},
		{pattern: "POST /sign-in/passkey/ask", access: public, handle: s.askPasskey, body: 1 << 10},
		{pattern: "POST /sign-in/passkey", access: public, handle: s.signInPasskey, body: passkeyBody},
		{pattern: "GET /sign-in/sso", access: public, handle: s.goSSO},
		{pattern: "GET /sign-in/sso/back", access: public, handle: s.backFromSSO},
		{pattern: "GET /sign-in/sso/out", access: public, handle: s.outOfSSO},
		{pattern: "GET /again/sso", access: asked, handle: s.goSSOAgain},
		{pattern: "POST /sign-out", access: asked, handle: s.signOut},
		{pattern: "GET /again", access: asked, handle: s.showAgain},
		{pattern: "POST /again", access: asked, handle: s.proveAgain},
		{pattern: "POST /again/passkey/ask", access: asked, handle: s.askPasskeyAgain, body: 1 << 10},
		{pattern: "POST /again/passkey", access: asked, handle: s.provePasskey, body: passkeyBody},
		{pattern: "POST /language", access: public, handle: s.chooseLanguage},
		{pattern: "GET /more", access: signedIn, handle: s.showMore},
		{pattern: "GET /me", access: oneself, handle: s.showMe},
		{pattern: "POST /me/look", access: oneself, handle: s.saveLook},
		{pattern: "POST /me/away", access: may(staff.Chat), handle: s.setMyAway},
		{pattern: "GET /me/cards", access: may(staff.Chat), handle: s.myCards},
		{pattern: "GET /me/shown", access: may(staff.Chat), handle: s.showShown},
		{pattern: "POST /me/shown", access: may(staff.Chat), handle: s.saveShown},
		{pattern: "POST /me/password", access: oneself, handle: s.changePassword},
		{pattern: "GET /me/passkeys/new", access: fresh(oneself), handle: s.newPasskey},
		{pattern: "POST /me/passkeys/ask", access: fresh(oneself), handle: s.askNewPasskey, body: 1 << 10},
		{pattern: "POST /me/passkeys", access: fresh(oneself), handle: s.addPasskey, body: passkeyBody},
		{pattern: "POST /me/passkeys/{passkey}/remove", access: fresh(oneself), handle: s.removePasskey},
		{pattern: "POST /me/sessions/end-others", access: oneself, handle: s.endOthers},
		{pattern: "POST /me/sessions/{session}/end", access: oneself, handle: s.endSession},

		// messages
		{pattern: "GET /find", access: signedIn, handle: s.showFind},
		{pattern: "GET /today", access: signedIn, handle: s.showToday},
		{pattern: "POST /today/aside", access: may(staff.Chat), handle: s.putAside},
		{pattern: "GET /inbox", access: signedIn, handle: s.showInbox},
		{pattern: "GET /inbox/waiting", access: signedIn, handle: s.showWaiting},
		{pattern: "GET /inbox/{thread}", access: signedIn, handle: s.showThread},
		{pattern: "GET /inbox/{thread}/messages", access: signedIn, handle: s.showOlder},
		{pattern: "GET /inbox/{thread}/head", access: signedIn, handle: s.showHead},
		{pattern: "GET /inbox/{thread}/card", access: signedIn, handle: s.showCard},
		{pattern: "POST /inbox/{thread}/messages", access: may(staff.Chat), handle: s.say},
		{pattern: "POST /inbox/{thread}/messages/{message}/resend", access: may(staff.Chat), handle: s.resend},
		{pattern: "POST /inbox/{thread}/upload", access: may(staff.Chat), handle: s.upload, body: conversation.MaxUpload},
		{pattern: "POST /inbox/{thread}/take", access: may(staff.Chat), handle: s.act(s.take)},
		{pattern: "POST /inbox/{thread}/release", access: may(staff.Chat), handle: s.act(s.release)},
		{pattern: "POST /inbox/{thread}/transfer", access: may(staff.Chat), handle: s.act(s.transfer)},
		{pattern: "POST /inbox/{thread}/close", access: may(staff.Chat), handle: s.act(s.closeThread)},
		{pattern: "POST /inbox/{thread}/reopen", access: may(staff.Chat), handle: s.act(s.reopen)},
		{pattern: "POST /inbox/{thread}/draft", access: may(staff.Chat), handle: s.saveDraft},
		{pattern: "POST /inbox/{thread}/typing", access: may(staff.Chat), handle: s.types},
		{pattern: "POST /inbox/{thread}/seen", access: signedIn, handle: s.seen},

		// the card beside a thread
		{pattern: "GET /inbox/{thread}/contact", access: may(staff.Chat), handle: s.showContactLine},
		{pattern: "POST /inbox/{thread}/messages/{message}/cancel", access: may(staff.Chat), handle: s.cancelPlanned},
		{pattern: "GET /inbox/{thread}/offers", access: may(staff.Chat), handle: s.showOffers},
		{pattern: "GET /inbox/{thread}/card/{part}", access: signedIn, handle: s.showCardPart},
		{pattern: "GET /inbox/{thread}/card/known/{name}", access: signedIn, handle: s.showKnown},
		{pattern: "POST /inbox/{thread}/card/known/{name}", access: may(staff.Chat), handle: s.saveKnown, body: cardBody},
		{pattern: "POST /inbox/{thread}/card/values/{row}/forget", access: may(staff.Chat), handle: s.changes("known", forget), body: cardBody},
		{pattern: "POST /inbox/{thread}/name", access: may(staff.Chat), handle: s.changes("head", rename), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/advisor", access: may(staff.Chat), handle: s.changes("head", giveAdvisor), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/tags", access: may(staff.Chat), handle: s.changes("tags", giveTag), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/tags/{row}/undo", access: may(staff.Chat), handle: s.changes("tags", takeTag), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/notes", access: may(staff.Chat), handle: s.changes("notes", addNote), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/notes/{row}", access: may(staff.Chat), handle: s.changes("notes", changeNote), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/wishes", access: may(staff.Chat), handle: s.changes("wishes", addWish), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/wishes/{row}", access: may(staff.Chat), handle: s.changes("wishes", changeWish), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/promises", access: may(staff.Chat), handle: s.changes("promises", addPromise), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/promises/{row}", access: may(staff.Chat), handle: s.changes("promises", changePromise), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/contacts", access: may(staff.Chat), handle: s.changes("reach", addContact), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/contacts/{row}/show", access: may(staff.Chat), handle: s.changes("reach", showContact), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/contacts/{row}/end", access: may(staff.Chat), handle: s.changes("reach", endContact), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/consent", access: may(staff.RecordConsent), handle: s.changes("consent", recordConsent), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/pause", access: may(staff.RecordConsent), handle: s.changes("consent", pauseContact), body: cardBody},
		{pattern: "GET /inbox/{thread}/consent", access: may(staff.RecordConsent), handle: s.showSign},
		{pattern: "POST /inbox/{thread}/consent", access: may(staff.RecordConsent), handle: s.sign, body: signBody},
		{pattern: "POST /inbox/{thread}/card/one", access: may(staff.Chat), handle: s.becomeOne, body: cardBody},
		{pattern: "POST /inbox/{thread}/card/not-one", access: may(staff.Chat), handle: s.changes("one", notOne), body: cardBody},
		{pattern: "POST /inbox/{thread}/card/merges/{row}/apart", access: may(staff.Chat), handle: s.apart, body: cardBody},
		{pattern: "GET /media/{message}", access: signedIn, handle: s.media},
		{pattern: "GET /media/{message}/preview", access: signedIn, handle: s.mediaPreview},
		{pattern: "GET /faces/{thread}/{version}", access: signedIn, handle: s.showFace},
		{pattern: "GET /live", access: signedIn, handle: s.live},

		// printed cards
		{pattern: "POST /cards", access: may(staff.Chat), handle: s.makeCard},
		{pattern: "GET /cards/{file}", access: may(staff.Chat), handle: s.drawCard},
		{pattern: "GET /cards/{card}/print", access: may(staff.Chat), handle: s.printCard},
		{pattern: "POST /cards/{card}/end", access: may(staff.Chat), handle: s.endCard},

		// administration
		{pattern: "GET /admin", access: administers, handle: s.showAdmin},
		{pattern: "GET /admin/stores", access: may(staff.ManageGroup), handle: s.listPlaces(stores)},
		{pattern: "GET /admin/stores/new", access: may(staff.ManageGroup), handle: s.showPlace(stores)},
		{pattern: "POST /admin/stores", access: may(staff.ManageGroup), handle: s.savePlace(stores)},
		{pattern: "GET /admin/stores/{store}", access: may(staff.ManageGroup), handle: s.showPlace(stores)},
		{pattern: "POST /admin/stores/{store}", access: may(staff.ManageGroup), handle: s.savePlace(stores)},
		{pattern: "POST /admin/stores/{store}/close", access: may(staff.ManageGroup), handle: s.closePlace(stores)},
		{pattern: "POST /admin/stores/{store}/reopen", access: may(staff.ManageGroup), handle: s.reopenPlace(stores)},
		{pattern: "GET /admin/brands", access: may(staff.ManageGroup), handle: s.listPlaces(brands)},
		{pattern: "GET /admin/brands/new", access: may(staff.ManageGroup), handle: s.showPlace(brands)},
		{pattern: "POST /admin/brands", access: may(staff.ManageGroup), handle: s.savePlace(brands)},
		{pattern: "GET /admin/brands/{brand}", access: may(staff.ManageGroup), handle: s.showPlace(brands)},
		{pattern: "POST /admin/brands/{brand}", access: may(staff.ManageGroup), handle: s.savePlace(brands)},
		{pattern: "POST /admin/brands/{brand}/close", access: may(staff.ManageGroup), handle: s.closePlace(brands)},
		{pattern: "POST /admin/brands/{brand}/reopen", access: may(staff.ManageGroup), handle: s.reopenPlace(brands)},
		{pattern: "GET /admin/counters", access: may(staff.ManageGroup), handle: s.listPlaces(counters)},
		{pattern: "GET /admin/counters/new", access: may(staff.ManageGroup), handle: s.showPlace(counters)},
		{pattern: "POST /admin/counters", access: may(staff.ManageGroup), handle: s.savePlace(counters)},
		{pattern: "GET /admin/counters/{counter}", access: may(staff.ManageGroup), handle: s.showPlace(counters)},
		{pattern: "POST /admin/counters/{counter}", access: may(staff.ManageGroup), handle: s.savePlace(counters)},
		{pattern: "POST /admin/counters/{counter}/close", access: may(staff.ManageGroup), handle: s.closePlace(counters)},
		{pattern: "POST /admin/counters/{counter}/reopen", access: may(staff.ManageGroup), handle: s.reopenPlace(counters)},
		{pattern: "GET /admin/staff", access: may(staff.ManageGroup), handle: s.listStaff},
		{pattern: "GET /admin/staff/new", access: fresh(may(staff.ManageGroup)), handle: s.showPerson},
		{pattern: "POST /admin/staff", access: fresh(may(staff.ManageGroup)), handle: s.savePerson},
		{pattern: "GET /admin/staff/{staff}", access: fresh(may(staff.ManageGroup)), handle: s.showPerson},
		{pattern: "POST /admin/staff/{staff}", access: fresh(may(staff.ManageGroup)), handle: s.savePerson},
		{pattern: "POST /admin/staff/{staff}/password", access: fresh(may(staff.ManageGroup)), handle: s.resetPassword},
		{pattern: "POST /admin/staff/{staff}/passkeys/remove", access: fresh(may(staff.ManageGroup)), handle: s.removePasskeysOf},
		{pattern: "POST /admin/staff/{staff}/end", access: fresh(may(staff.ManageGroup)), handle: s.endPerson},
		{pattern: "POST /admin/staff/{staff}/return", access: fresh(may(staff.ManageGroup)), handle: s.returnPerson},
		{pattern: "POST /admin/staff/{staff}/away", access: may(staff.ManageGroup), handle: s.setPersonAway},
		{pattern: "GET /admin/sign-in", access: fresh(may(staff.ManageGroup)), handle: s.showSignInRules},
		{pattern: "POST /admin/sign-in", access: fresh(may(staff.ManageGroup)), handle: s.saveSignInRules},
		{pattern: "POST /admin/sso", access: fresh(may(staff.ManageGroup)), handle: s.saveSSO},
		{pattern: "POST /admin/sso/check", access: fresh(may(staff.ManageGroup)), handle: s.checkSSO},
		{pattern: "GET /admin/accounts", access: may(staff.ManageGroup), handle: s.listAccounts},
		{pattern: "GET /admin/accounts/new", access: fresh(may(staff.ManageGroup)), handle: s.showAccount},
		{pattern: "POST /admin/accounts", access: fresh(may(staff.ManageGroup)), handle: s.saveAccount},
		{pattern: "GET /admin/accounts/{account}", access: fresh(may(staff.ManageGroup)), handle: s.showAccount},
		{pattern: "POST /admin/accounts/{account}", access: fresh(may(staff.ManageGroup)), handle: s.saveAccount},
		{pattern: "POST /admin/accounts/{account}/check", access: may(staff.ManageGroup), handle: s.checkAccount},
		{pattern: "POST /admin/accounts/{account}/old-secret/end", access: fresh(may(staff.ManageGroup)), handle: s.endOldSecret},
		{pattern: "POST /admin/accounts/{account}/close", access: fresh(may(staff.ManageGroup)), handle: s.closeAccount},
		{pattern: "POST /admin/accounts/{account}/reopen", access: fresh(may(staff.ManageGroup)), handle: s.reopenAccount},
		{pattern: "GET /admin/handovers", access: may(staff.HandOver), handle: s.listHandovers},
		{pattern: "GET /admin/handovers/new", access: may(staff.HandOver), handle: s.newHandover},
		{pattern: "POST /admin/handovers", access: may(staff.HandOver), handle: s.planHandover},
		{pattern: "GET /admin/handovers/{handover}", access: may(staff.HandOver), handle: s.showHandover},
		{pattern: "POST /admin/handovers/{handover}", access: may(staff.HandOver), handle: s.changeHandover},
		{pattern: "GET /admin/handovers/{handover}/edit", access: may(staff.HandOver), handle: s.editHandover},
		{pattern: "GET /admin/handovers/{handover}/progress", access: may(staff.HandOver), handle: s.handoverProgress},
		{pattern: "POST /admin/handovers/{handover}/hand", access: may(staff.HandOver), handle: s.giveHandover},
		{pattern: "POST /admin/handovers/{handover}/texts", access: may(staff.HandOver), handle: s.textHandover},
		{pattern: "POST /admin/handovers/{handover}/ends", access: may(staff.HandOver), handle: s.putHandover},
		{pattern: "POST /admin/handovers/{handover}/start", access: may(staff.HandOver), handle: s.controls(s.startHandover, "done.handover_started")},
		{pattern: "POST /admin/handovers/{handover}/pause", access: may(staff.HandOver), handle: s.controls(s.pauseHandover, "done.paused")},
		{pattern: "POST /admin/handovers/{handover}/resume", access: may(staff.HandOver), handle: s.controls(s.resumeHandover, "done.resumed")},
		{pattern: "POST /admin/handovers/{handover}/cancel", access: may(staff.HandOver), handle: s.controls(s.cancelHandover, "done.handover_cancelled")},
		{pattern: "POST /admin/handovers/{handover}/recall", access: may(staff.HandOver), handle: s.controls(s.recallHandover, "done.handover_cancelled")},
		{pattern: "POST /admin/handovers/{handover}/retry", access: may(staff.HandOver), handle: s.controls(s.retryHandover, "done.again")},
		{pattern: "POST /admin/handovers/{handover}/forgo", access: may(staff.HandOver), handle: s.controls(s.forgoHandover, "done.saved")},
		{pattern: "POST /admin/handovers/{handover}/drop", access: may(staff.HandOver), handle: s.dropHandover},
		{pattern: "GET /admin/replies", access: may(staff.ManageReplies), handle: s.listReplies},
		{pattern: "GET /admin/replies/new", access: may(staff.ManageReplies), handle: s.showReply},
		{pattern: "POST /admin/replies", access: may(staff.ManageReplies), handle: s.saveReply},
		{pattern: "GET /admin/replies/{reply}", access: may(staff.ManageReplies), handle: s.showReply},
		{pattern: "POST /admin/replies/{reply}", access: may(staff.ManageReplies), handle: s.saveReply},
		{pattern: "POST /admin/replies/{reply}/move", access: may(staff.ManageReplies), handle: s.moveReply},
		{pattern: "POST /admin/replies/{reply}/delete", access: may(staff.ManageReplies), handle: s.deleteReply},
		{pattern: "GET /admin/cards", access: may(staff.ManageReplies), handle: s.listCards},
		{pattern: "GET /admin/attributes", access: may(staff.ManageGroup), handle: s.listAttributes},
		{pattern: "GET /admin/attributes/new", access: may(staff.ManageGroup), handle: s.showAttribute},
		{pattern: "POST /admin/attributes", access: may(staff.ManageGroup), handle: s.saveAttribute},
		{pattern: "GET /admin/attributes/{attribute}", access: may(staff.ManageGroup), handle: s.showAttribute},
		{pattern: "POST /admin/attributes/{attribute}", access: may(staff.ManageGroup), handle: s.saveAttribute},
		{pattern: "POST /admin/attributes/{attribute}/close", access: may(staff.ManageGroup), handle: s.closeAttribute},
		{pattern: "POST /admin/attributes/{attribute}/reopen", access: may(staff.ManageGroup), handle: s.reopenAttribute},
		{pattern: "GET /admin/tags", access: may(staff.ManageGroup), handle: s.listTags},
		{pattern: "GET /admin/tags/new", access: may(staff.ManageGroup), handle: s.showTag},
		{pattern: "POST /admin/tags", access: may(staff.ManageGroup), handle: s.saveTag},
		{pattern: "GET /admin/tags/{tag}", access: may(staff.ManageGroup), handle: s.showTag},
		{pattern: "POST /admin/tags/{tag}", access: may(staff.ManageGroup), handle: s.saveTag},
		{pattern: "POST /admin/tags/{tag}/close", access: may(staff.ManageGroup), handle: s.closeTag},
		{pattern: "POST /admin/tags/{tag}/reopen", access: may(staff.ManageGroup), handle: s.reopenTag},
		{pattern: "GET /admin/words", access: may(staff.KeepLexicons), handle: s.listWords},
		{pattern: "POST /admin/words/try", access: may(staff.KeepLexicons), handle: s.tryAll, body: lexiconBody},
		{pattern: "GET /admin/words/{language}", access: may(staff.KeepLexicons), handle: s.showLexicon},
		{pattern: "GET /admin/words/{language}/new", access: may(staff.KeepLexicons), handle: s.editLexicon},
		{pattern: "POST /admin/words/{language}", access: may(staff.KeepLexicons), handle: s.saveLexicon, body: lexiconBody},
		{pattern: "POST /admin/words/{language}/try", access: may(staff.KeepLexicons), handle: s.tryLexicon, body: lexiconBody},
		{pattern: "GET /admin/words/{language}/{version}", access: may(staff.KeepLexicons), handle: s.editLexicon},
		{pattern: "POST /admin/words/{language}/{version}", access: may(staff.KeepLexicons), handle: s.saveLexicon, body: lexiconBody},
		{pattern: "POST /admin/words/{language}/{version}/drop", access: may(staff.KeepLexicons), handle: s.dropLexicon},
		{pattern: "POST /admin/words/{language}/{version}/publish", access: may(staff.KeepLexicons), handle: s.publishAgain},
		{pattern: "GET /admin/purposes", access: may(staff.SeeConsent), handle: s.listPurposes},
		{pattern: "GET /admin/purposes/new", access: may(staff.KeepConsent), handle: s.showPurpose},
		{pattern: "POST /admin/purposes", access: may(staff.KeepConsent), handle: s.savePurpose},
		{pattern: "GET /admin/purposes/{purpose}", access: may(staff.SeeConsent), handle: s.showPurpose},
		{pattern: "POST /admin/purposes/{purpose}", access: may(staff.KeepConsent), handle: s.savePurpose},
		{pattern: "GET /admin/contact-rules", access: may(staff.SeeConsent), handle: s.showRules},
		{pattern: "POST /admin/contact-rules", access: may(staff.KeepConsent), handle: s.saveRules},
		{pattern: "GET /admin/chat-rules", access: may(staff.SeeConsent), handle: s.showChatRules},
		{pattern: "POST /admin/chat-rules", access: may(staff.KeepConsent), handle: s.saveChatRules},
		{pattern: "POST /admin/chat-rules/try", access: may(staff.SeeConsent), handle: s.tryChatRules},
		{pattern: "POST /admin/contact-rules/preview", access: may(staff.SeeConsent), handle: s.previewRules},
		{pattern: "GET /admin/products", access: may(staff.KeepCatalogue), handle: s.listProducts},
		{pattern: "GET /admin/products/new", access: may(staff.KeepCatalogue), handle: s.showProduct},
		{pattern: "POST /admin/products", access: may(staff.KeepCatalogue), handle: s.saveProduct},
		{pattern: "GET /admin/products/{product}", access: may(staff.KeepCatalogue), handle: s.showProduct},
		{pattern: "POST /admin/products/{product}", access: may(staff.KeepCatalogue), handle: s.saveProduct},
		{pattern: "GET /admin/products/{product}/variants/new", access: may(staff.KeepCatalogue), handle: s.showVariant},
		{pattern: "POST /admin/products/{product}/variants", access: may(staff.KeepCatalogue), handle: s.saveVariant},
		{pattern: "GET /admin/products/{product}/variants/{variant}", access: may(staff.KeepCatalogue), handle: s.showVariant},
		{pattern: "POST /admin/products/{product}/variants/{variant}", access: may(staff.KeepCatalogue), handle: s.saveVariant},
		{pattern: "GET /admin/arrivals", access: may(staff.KeepCatalogue), handle: s.listArrivals},
		{pattern: "GET /admin/imports", access: may(staff.KeepCatalogue), handle: s.listImports},
		{pattern: "POST /admin/imports", access: may(staff.KeepCatalogue), handle: s.uploadImport, body: importBody},
		{pattern: "GET /admin/imports/{import}", access: may(staff.KeepCatalogue), handle: s.showImport},
		{pattern: "GET /admin/imports/{import}/progress", access: may(staff.KeepCatalogue), handle: s.importProgress},
		{pattern: "GET /admin/imports/{import}/errors.csv", access: fresh(may(staff.KeepCatalogue)), handle: s.importErrors},
		{pattern: "POST /admin/imports/{import}/start", access: may(staff.KeepCatalogue), handle: s.startImport},
		{pattern: "POST /admin/imports/{import}/drop", access: may(staff.KeepCatalogue), handle: s.dropImport},
		{pattern: "GET /admin/tokens", access: may(staff.ManageGroup), handle: s.listTokens},
		{pattern: "GET /admin/tokens/new", access: fresh(may(staff.ManageGroup)), handle: s.newToken},
		{pattern: "POST /admin/tokens", access: fresh(may(staff.ManageGroup)), handle: s.createToken},
		{pattern: "POST /admin/tokens/{token}/end", access: fresh(may(staff.ManageGroup)), handle: s.endToken},
		{pattern: "GET /admin/webhooks", access: may(staff.ManageGroup), handle: s.listWebhooks},
		{pattern: "GET /admin/webhooks/new", access: fresh(may(staff.ManageGroup)), handle: s.showWebhook},
		{pattern: "POST /admin/webhooks", access: fresh(may(staff.ManageGroup)), handle: s.saveWebhook},
		{pattern: "GET /admin/webhooks/{endpoint}", access: fresh(may(staff.ManageGroup)), handle: s.showWebhook},
		{pattern: "POST /admin/webhooks/{endpoint}", access: fresh(may(staff.ManageGroup)), handle: s.saveWebhook},
		{pattern: "POST /admin/webhooks/{endpoint}/secret", access: fresh(may(staff.ManageGroup)), handle: s.renewWebhook},
		{pattern: "POST /admin/webhooks/{endpoint}/old-secret/end", access: fresh(may(staff.ManageGroup)), handle: s.endOldHookSecret},
		{pattern: "POST /admin/webhooks/{endpoint}/pause", access: may(staff.ManageGroup), handle: s.pauseWebhook},
		{pattern: "POST /admin/webhooks/{endpoint}/resume", access: may(staff.ManageGroup), handle: s.resumeWebhook},
		{pattern: "POST /admin/webhooks/{endpoint}/end", access: fresh(may(staff.ManageGroup)), handle: s.endWebhook},
		{pattern: "POST /admin/webhooks/{endpoint}/deliveries/{delivery}/retry", access: may(staff.ManageGroup), handle: s.retryDelivery},
		{pattern: "GET /admin/key", access: may(staff.ManageGroup), handle: s.showKey},
		{pattern: "GET /admin/key/progress", access: may(staff.ManageGroup), handle: s.showKeyProgress},
		{pattern: "GET /admin/blocks", access: may(staff.SeeFailures), handle: s.showBlocks},
		{pattern: "GET /admin/failures", access: may(staff.SeeFailures), handle: s.showFailures},
		{pattern: "POST /admin/failures/messages/{message}/resend", access: may(staff.SeeFailures), handle: s.resendFailed},
		{pattern: "POST /admin/failures/jobs/{job}/retry", access: may(staff.ManageGroup), handle: s.retryJob},
		{pattern: "POST /admin/failures/jobs/{job}/discard", access: may(staff.ManageGroup), handle: s.discardJob},
		{pattern: "GET /admin/privacy", access: may(staff.KeepPrivacy), handle: s.showPrivacy},
		{pattern: "GET /admin/privacy/people/{customer}", access: may(staff.KeepPrivacy), handle: s.showPrivacyPerson},
		{pattern: "POST /admin/privacy/people/{customer}/requests", access: may(staff.KeepPrivacy), handle: s.askPrivacy},
		{pattern: "POST /admin/privacy/requests/{request}", access: may(staff.KeepPrivacy), handle: s.workPrivacy},
		{pattern: "POST /admin/privacy/people/{customer}/file", access: fresh(may(staff.KeepPrivacy)), handle: s.makePrivacyFile},
		{pattern: "GET /admin/privacy/files/{file}", access: fresh(may(staff.KeepPrivacy)), handle: s.fetchPrivacyFile},
		{pattern: "GET /admin/privacy/people/{customer}/erase", access: fresh(may(staff.KeepPrivacy)), handle: s.showErase},
		{pattern: "POST /admin/privacy/people/{customer}/erase", access: fresh(may(staff.KeepPrivacy)), handle: s.erasePerson},
		{pattern: "GET /admin/privacy/keeping", access: may(staff.KeepPrivacy), handle: s.showKeeping},
		{pattern: "POST /admin/privacy/keeping", access: may(staff.KeepPrivacy), handle: s.saveKeeping},
		{pattern: "GET /admin/audit", access: may(staff.SeeAudit), handle: s.showAudit},
		{pattern: "POST /admin/audit/verify", access: may(staff.SeeAudit), handle: s.verifyAudit},
		{pattern: "GET /admin/alarms", access: may(staff.SeeAudit), handle: s.listAlarms},
		{pattern: "GET /admin/alarms/count", access: may(staff.SeeAudit), handle: s.countAlarms},
		{pattern: "GET /admin/alarms/settings", access: fresh(may(staff.ManageGroup)), handle: s.showBounds},
		{pattern: "POST /admin/alarms/settings", access: fresh(may(staff.ManageGroup)), handle: s.saveBounds},
		{pattern: "GET /admin/alarms/{alarm}", access: may(staff.SeeAudit), handle: s.showAlarm},
		{pattern: "POST /admin/alarms/{alarm}", access: may(staff.SeeAudit), handle: s.answerAlarm},
		{pattern: "GET /admin/exports", access: may(staff.AskExports), handle: s.listExports},
		{pattern: "GET /admin/exports/new", access: fresh(may(staff.AskExports)), handle: s.newExport},
		{pattern: "POST /admin/exports", access: fresh(may(staff.AskExports)), handle: s.askExport},
		{pattern: "POST /admin/exports/trace", access: may(staff.SeeAudit), handle: s.traceExport},
		{pattern: "POST /admin/exports/settings", access: fresh(may(staff.ManageGroup)), handle: s.saveExportRules},
		{pattern: "GET /admin/exports/{export}", access: may(staff.AskExports), handle: s.showExport},
		{pattern: "POST /admin/exports/{export}/decide", access: fresh(may(staff.PassExports)), handle: s.decideExport},
		{pattern: "GET /admin/exports/{export}/file", access: fresh(may(staff.AskExports)), handle: s.fetchExport},
		{pattern: "POST /admin/exports/{export}/drop", access: may(staff.AskExports), handle: s.dropExport},

		// doors for platforms and customers
		{pattern: "POST /in/{account}", access: foreign, handle: s.receive},
		{pattern: "GET /m/{link}", access: public, handle: s.publicMedia},
		{pattern: "GET /chat/{account}", access: public, handle: s.showChat},
		{pattern: "GET /chat/{account}/widget.js", access: public, handle: s.widget},
		{pattern: "POST /chat/{account}/start", access: public, handle: s.begins(s.startChat), body: 16 << 10},
		{pattern: "GET /chat/{account}/card", access: public, handle: s.visits(s.chatInvited)},
		{pattern: "POST /chat/{account}/card", access: public, handle: s.visits(s.chatAnswers), body: 1 << 10},
		{pattern: "GET /chat/{account}/advisors", access: public, handle: s.visits(s.chatAdvisors)},
		{pattern: "POST /chat/{account}/advisors", access: public, handle: s.visits(s.chatChooses), body: 1 << 10},
		{pattern: "GET /chat/{account}/messages", access: public, handle: s.visits(s.olderChat)},
		{pattern: "POST /chat/{account}/messages", access: public, handle: s.visits(s.sayChat), body: chatBody},
		{pattern: "POST /chat/{account}/taps", access: public, handle: s.visits(s.tapChat), body: 8 << 10},
		{pattern: "POST /chat/{account}/upload", access: public, handle: s.visits(s.uploadChat), body: conversation.MaxUpload + 1},
		{pattern: "POST /chat/{account}/typing", access: public, handle: s.visits(s.typeChat), body: 1 << 10},
		{pattern: "GET /chat/{account}/stream", access: public, handle: s.visits(s.streamChat)},
		{pattern: "GET /my/{token}", access: public, handle: s.showMy},
		{pattern: "POST /my/{token}", access: foreign, handle: s.changeMy, body: 8 << 10}, // the page's own token proves it; no referrer means no origin
		{pattern: "POST /my/{token}/one-click", access: foreign, handle: s.oneClick, body: 4 << 10},
		{pattern: "GET /liff/{account}", access: public, handle: s.showLIFF},
		{pattern: "POST /liff/{account}/scan", access: public, handle: s.inLINE(s.scanLIFF), body: ticketBody},
		{pattern: "POST /liff/{account}/choose", access: public, handle: s.inLINE(s.chooseLIFF), body: ticketBody},
		{pattern: "POST /liff/{account}/answer", access: public, handle: s.inLINE(s.answerLIFF), body: ticketBody},
	}
}
