package web

import (
	"html/template"
	"io/fs"
	"strings"
	"testing"

	"github.com/jba/templatecheck"
)

// pageTypes names the struct of every page and of every block that is rendered by
// itself: a template that asks for a field which is not there fails here.
var pageTypes = map[string]any{
	"admin": adminPage{}, "admin_account": adminAccountPage{}, "admin_account#findings": findingsView{}, "admin_audit": adminAuditPage{},
	"admin_alarm": adminAlarmPage{}, "admin_alarms": adminAlarmsPage{}, "admin_alarms#alarm-count": 0, "admin_bounds": adminBoundsPage{},
	"admin_export": adminExportPage{}, "admin_exports": adminExportsPage{}, "admin_export_new": adminAskPage{},
	"admin_audit#chain": chainView{}, "admin_failures": adminFailuresPage{}, "admin_blocks": adminBlocksPage{}, "admin_list": adminListPage{}, "admin_person": adminPersonPage{},
	"admin_place": adminPlacePage{}, "admin_privacy": adminPrivacyPage{}, "admin_privacy_person": adminPrivacyPersonPage{}, "admin_erase": adminErasePage{}, "admin_keeping": adminKeepingPage{}, "admin_replies": adminRepliesPage{}, "admin_reply": adminReplyPage{}, "admin_secret": adminSecretPage{},
	"admin_attribute": adminAttributePage{}, "admin_tag": adminTagPage{}, "admin_words": adminWordsPage{}, "admin_words#tried": triedView{},
	"admin_products": adminProductsPage{}, "admin_product": adminProductPage{}, "admin_variant": adminVariantPage{}, "admin_arrivals": adminArrivalsPage{},
	"admin_imports": adminImportsPage{}, "admin_import": adminImportPage{}, "admin_import#going": importGoing{}, "admin_handover": adminHandoverPage{}, "admin_handover#hand-going": handoverGoing{}, "admin_handover_form": adminHandoverFormPage{},
	"admin_key": adminKeyPage{}, "admin_key#key-progress": keyProgress{},
	"admin_lexicon": adminLexiconPage{}, "admin_editor": adminEditorPage{}, "admin_editor#tried": triedView{},
	"admin_purpose": adminPurposePage{}, "admin_rules": adminRulesPage{}, "admin_chat_rules": adminChatRulesPage{}, "admin_chat_rules#chat-tried": chatTried{}, "admin_rules#rules-preview": rulesPreview{}, "sign": signPage{},
	"inbox#card-consent": cardConsent{}, "inbox#card-consent-past": consentPast{},
	"admin_token": adminTokenPage{}, "admin_tokens": adminTokensPage{}, "admin_webhook": adminWebhookPage{},

	"admin_sign_in": adminSignInPage{}, "admin_sign_in#sso-findings": ssoFindings{},
	"again": againPage{}, "again#again-dialog": againAsk{},

	"card_print":  printPage{},
	"cards":       cardsPage{},
	"chat":        chatPage{},
	"error":       errorPage{},
	"error#toast": Toast{},
	"first":       firstPage{},

	"find": findPage{}, "find#found": findPage{}, "find#found-customers": findPage{}, "find#found-messages": findPage{},

	"inbox": inboxPage{}, "inbox#list": inboxPage{}, "inbox#list-body": inboxPage{}, "inbox#list-piece": inboxPage{},
	"inbox#opened": inboxPage{}, "inbox#older-piece": olderPiece{}, "inbox#head-again": headView{}, "inbox#card": cardView{},
	"inbox#card-head": cardHead{}, "inbox#card-tags": cardTags{}, "inbox#card-all-tags": cardTags{}, "inbox#card-promises": cardPlans{},
	"inbox#card-wishes": cardPlans{}, "inbox#card-facets": cardPlans{}, "inbox#card-notes": cardPlans{}, "inbox#card-known": cardKnown{}, "inbox#card-known-edit": knownEdit{},
	"inbox#card-purchases": cardShop{}, "inbox#card-receipts": cardShop{}, "inbox#card-reach": cardReach{}, "inbox#card-one": cardOne{},
	"inbox#card-past": cardPast{}, "inbox#offers": offersView{}, "inbox#contact": contactView{},
	"inbox#waiting": 0, "inbox#line": Line{},

	"liff":        liffPage{},
	"me":          mePage{},
	"my":          myPage{},
	"passkey_new": passkeyNewPage{},
	"more":        morePage{},
	"shown":       shownPage{},
	"signin":      signInPage{},
	"today":       todayPage{},
}

// partTypes are the parts of parts.html that no page has to use.
var partTypes = map[string]any{
	"pill": Pill{}, "empty": Empty{}, "toast": Toast{},
	"form-errors": Form{}, "field": Field{}, "languages": Frame{},
}

func TestTemplatesFitTheirTypes(t *testing.T) {
	h := newHouse(t)
	for _, name := range must(pageNames(pageFiles)) {
		if pageTypes[name] == nil {
			t.Errorf("%s.html has no line in pageTypes", name)
		}
	}
	for name, data := range pageTypes {
		file, block, _ := strings.Cut(name, "#")
		if block == "" {
			block = "layout"
		}
		p, err := h.pages.get(h.languages.byTag[fallback], file)
		if err != nil {
			t.Error(err)
			continue
		}
		check(t, name, p.Template, block, data)
	}
	for name, data := range partTypes {
		p := must(h.pages.get(h.languages.byTag[fallback], "error"))
		check(t, name, p.Template, name, data)
	}
}

// pageNames are the stems of the files that are pages.
func pageNames(files fs.FS) ([]string, error) {
	all, err := fs.Glob(files, "*.html")
	var names []string
	for _, file := range all {
		if name := strings.TrimSuffix(file, ".html"); name != "layout" && !strings.HasSuffix(name, "parts") {
			names = append(names, name)
		}
	}
	return names, err
}

func check(t *testing.T, name string, page *template.Template, block string, data any) {
	t.Helper()
	found := page.Lookup(block)
	if found == nil {
		t.Errorf("%s: no block %q", name, block)
		return
	}
	if err := templatecheck.CheckHTML(found, data); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// The policy forbids them, so they would silently do nothing.
func TestTemplatesAreFreeOfInlineCode(t *testing.T) {
	for _, file := range must(fs.Glob(pageFiles, "*.html")) {
		raw := string(must(pageFiles.ReadFile(file)))
		for _, bad := range []string{" style=", "<style", " onclick", " onload", " onchange", "javascript:", "hx-on", "hx-vals=\"js"} {
			if strings.Contains(raw, bad) {
				t.Errorf("%s has %q", file, bad)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
