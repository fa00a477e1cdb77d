package staff

import "slices"

// Role says what somebody is in the store group.
type Role string

// The five roles a person can have.
const (
	Advisor   Role = "advisor"
	Manager   Role = "manager"
	Marketing Role = "marketing"
	Privacy   Role = "privacy"
	Admin     Role = "admin"
)

// Two roles that no person has and the table of staff refuses.
const (
	house   Role = "system"  // the product itself and its command line
	machine Role = "machine" // an integrator's program with an API token
)

// Roles lists what a person can be, in the order in which a form offers it.
func Roles() []Role { return []Role{Advisor, Manager, Marketing, Privacy, Admin} }

// Permission names something that only some roles may do.
type Permission string

// What can be permitted. Which counters a viewer sees is not a permission: see Viewer.Sees.
const (
	Chat          Permission = "chat"           // write to customers of the counters she sees
	KeepCards     Permission = "keep_cards"     // write on the cards of customers she sees: tags, notes, contacts, who is one with whom
	ManageGroup   Permission = "manage_group"   // stores, brands, counters, staff, accounts, tokens, webhooks
	ManageReplies Permission = "manage_replies" // saved replies
	KeepLexicons  Permission = "keep_lexicons"  // which words of customers become tags
	SeeAudit      Permission = "see_audit"      // who did and who saw what
	AskExports    Permission = "ask_exports"    // files with customers of the counters she sees
	PassExports   Permission = "pass_exports"   // be the second person for somebody else's export
	SeeFailures   Permission = "see_failures"   // failed deliveries and dead jobs, and their retry
	KeepCatalogue Permission = "keep_catalogue" // products and their prices
	KeepPurchases Permission = "keep_purchases" // receipts of the tills
	KeepPrivacy   Permission = "keep_privacy"   // what customers ask of their data, retention, export and erasure of a person
	AskPrivacy    Permission = "ask_privacy"    // hand in what a customer asks of her data
	SeeConsent    Permission = "see_consent"    // the purposes and the contact rules of the group
	KeepConsent   Permission = "keep_consent"   // and to change them
	RecordConsent Permission = "record_consent" // write down what a customer she sees agreed to or refused
	HandOver      Permission = "hand_over"      // the customers of who leaves or is away
)

// permitted is the whole table of permissions of people.
var permitted = map[Permission][]Role{
	Chat:          {Advisor, Manager, Admin, house},
	KeepCards:     {Advisor, Manager, Admin, house},
	ManageGroup:   {Admin, house},
	ManageReplies: {Admin, Manager, house},
	KeepLexicons:  {Admin, Manager, Marketing, house},
	SeeAudit:      {Privacy, Admin, house},
	AskExports:    {Privacy, Admin, Manager, house},
	PassExports:   {Privacy, Admin, house},
	SeeFailures:   {Admin, Manager, house},
	KeepCatalogue: {Admin, house},
	KeepPurchases: {Admin, house},
	KeepPrivacy:   {Privacy, house}, // an administrator sees no customer of counters that are not hers,
	AskPrivacy:    {Privacy, house},
	SeeConsent:    {Manager, Privacy, Admin, house},
	KeepConsent:   {Privacy, Admin, house},
	RecordConsent: {Advisor, Manager, Privacy, Admin, house},
	HandOver:      {Admin, Manager, house},
}

// machinePermitted says which scope permits a machine what.
var machinePermitted = map[Permission]string{
	Chat:          MessagesWrite,
	KeepCards:     CustomersWrite,
	KeepLexicons:  LexiconsWrite,
	KeepCatalogue: CatalogueWrite,
	KeepPurchases: PurchasesWrite,
	AskPrivacy:    PrivacyWrite,
	RecordConsent: ConsentsWrite,
	HandOver:      HandoversWrite,
}

// May says whether the viewer's role permits it. Someone who still has to replace a
// password that an administrator gave her may nothing.
func (v Viewer) May(p Permission) bool {
	if v.MustChange {
		return false
	}
	if v.Role == machine {
		scope, ok := machinePermitted[p]
		return ok && v.scopes != nil && slices.Contains(*v.scopes, scope)
	}
	return slices.Contains(permitted[p], v.Role)
}
