package app

import "testing"

// TestStories tells in a real browser what the house is for. Each story has a
// house, a LINE platform and people of its own; the browser is shared.
func TestStories(t *testing.T) {
	c := openChromium(t)
	for _, s := range []struct {
		name string
		tell func(*testing.T, *chromium)
	}{
		{"she writes and the console dings", sheWritesAndTheConsoleDings},
		{"what she takes back is gone", whatSheTakesBackIsGone},
		{"she blocks and comes back", sheBlocksAndComesBack},
		{"the network goes and comes back", theNetworkGoesAndComesBack},
		{"the server is restarted", theServerIsRestarted},
		{"an answer is lost on the way", anAnswerIsLostOnTheWay},
		{"a late answer is drawn nowhere else", aLateAnswerIsDrawnNowhereElse},
		{"she is handed on", sheIsHandedOn},
		{"two advisors see each other", twoAdvisorsSeeEachOther},
		{"a draft moves to the phone", aDraftMovesToThePhone},
		{"a saved reply is filled in", aSavedReplyIsFilledIn},
		{"a visitor of the shop is answered", aVisitorOfTheShopIsAnswered},
		{"a site that is not named cannot show it", aSiteThatIsNotNamedCannotShowIt},
		{"she reads her language", sheReadsHerLanguage},
		{"the first run asks for an administrator", theFirstRunAsksForAnAdministrator},
		{"guessing is slowed down", guessingIsSlowedDown},
		{"she ends another session", sheEndsAnotherSession},
		{"she signs in with a passkey", sheSignsInWithAPasskey},
		{"what is delicate asks who she is", whatIsDelicateAsksWhoSheIs},
		{"an account is added", anAccountIsAdded},
		{"hostile words are words", hostileWordsAreWords},
		{"every page fits a phone", everyPageFitsAPhone},
		{"everything has a name and a size", everythingHasANameAndASize},
		{"she scans a card and is known", sheScansACardAndIsKnown},
		{"the code of a card stays outside", theCodeOfACardStaysOutside},
		{"two contacts are one, and two again", twoContactsAreOneAndTwoAgain},
		{"she chooses her advisor", sheChoosesHerAdvisor},
		{"she goes to another counter", sheGoesToAnotherCounter},
		{"her advisor is off, and back", herAdvisorIsOffAndBack},
		{"she is found by a word and by digits", sheIsFoundByAWordAndByDigits},
		{"a file of purchases comes in", aFileOfPurchasesComesIn},
		{"one tap stops it and a planned message dies", oneTapStopsItAndAPlannedMessageDies},
		{"she opens her own page", sheOpensHerOwnPage},
		{"the day begins with who should hear", theDayBeginsWithWhoShouldHear},
		{"an advisor leaves her customers", anAdvisorLeavesHerCustomers},
		{"the officer finds who looked", theOfficerFindsWhoLooked},
		{"she is erased and searched for", sheIsErasedAndSearchedFor},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.tell(t, c)
		})
	}
}
