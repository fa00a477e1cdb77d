package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// ErrBusy says that two conversations cannot be put together or taken apart at
// this moment, because a message is on its way; or that this just happened to the
// one that was written in. Trying again helps.
var ErrBusy = fmt.Errorf("a conversation is being put together or taken apart: %w", db.ErrConflict)

// ErrUnproved says that nothing proves two customers to be one.
var ErrUnproved = errors.New("nothing proves that these two are one")

// Proof says why two records are one person.
type Proof string

// What proves it. A name alone proves nothing, and neither does a number that
// nobody verified: then it takes an advisor who says so.
const (
	ProvedByPhone   Proof = "phone"   // both have this verified number
	ProvedByMember  Proof = "member"  // both have this verified member number
	ProvedByLink    Proof = "link"    // she linked the accounts herself; only the house knows
	ProvedByAdvisor Proof = "advisor" // somebody who sees both has confirmed it
)

// Merge is two persons that become one. The lost one's card is shown by the kept
// one's from now on; every row keeps the record it came from.
type Merge struct {
	KeptID, LostID string
	Proof          Proof
	Evidence       json.RawMessage // codes and ids that were beside it, nothing personal
}

const maxEvidence = 4000

// Merge makes one person of two and returns the id under which it can be undone.
func (d *Desk) Merge(tx *db.Tx, v staff.Viewer, m Merge) (string, error) {
	if len(m.Evidence) > maxEvidence || (len(m.Evidence) > 0 && !json.Valid(m.Evidence)) {
		return "", db.Invalid{Field: "evidence", Code: "malformed"}
	}
	if err := customer.LockMerges(tx); err != nil {
		return "", err
	}
	kept, lost, err := d.mergeable(tx, v, m)
	if err != nil {
		return "", err
	}
	ones, err := d.Book.Records(tx, kept)
	if err != nil {
		return "", err
	}
	twos, err := d.Book.Records(tx, lost)
	if err != nil {
		return "", err
	}
	if len(ones)+len(twos) > maxRecords {
		return "", db.Invalid{Field: "lost", Code: "too_many"}
	}
	if err := d.prove(tx, m.Proof, ones, twos); err != nil {
		return "", err
	}
	threads, err := d.take(tx, slices.Concat(ones, twos))
	if err != nil {
		return "", err
	}
	if m.Proof == ProvedByAdvisor {
		if err := d.Book.Relent(tx, ones, twos); err != nil {
			return "", err
		}
	}
	done, members, err := d.Book.Join(tx, customer.Merged{KeptID: kept, LostID: lost, Proof: string(m.Proof), Evidence: m.Evidence, By: v.ID})
	if err != nil {
		return "", err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.merge", Customer: kept, Object: done.ID, Detail: lost + " " + string(m.Proof)})
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.merge", Customer: lost, Object: done.ID, Detail: kept + " " + string(m.Proof)})
	if err := d.Book.CarryBindings(tx, customer.Carrying{KeptID: kept, LostID: lost, MergeID: done.ID, By: v.ID}); err != nil {
		return "", err
	}
	g := regrouping{before: [][]string{ones, twos}, after: [][]string{slices.Concat(ones, members)}, act: ActMerged, by: v.ID}
	return done.ID, d.regroup(tx, g, threads)
}

// maxRecords bounds what one person can be made of: more than this is not a
// person, but a number that many share.
const maxRecords = 50

// mergeable returns the two persons, if the viewer may make them one.
func (d *Desk) mergeable(tx *db.Tx, v staff.Viewer, m Merge) (kept, lost string, err error) {
	if kept, err = d.writablePerson(tx, v, m.KeptID); err != nil {
		return "", "", err
	}
	if lost, err = d.writablePerson(tx, v, m.LostID); err != nil {
		return "", "", err
	}
	if kept == lost {
		return "", "", db.Invalid{Field: "lost", Code: "same"}
	}
	if m.Proof == ProvedByLink && v.ID != staff.System().ID {
		return "", "", staff.ErrForbidden
	}
	for _, id := range []string{kept, lost} {
		c, err := d.Book.Get(tx, id)
		if err != nil {
			return "", "", err
		}
		if c.Kind != channel.Person {
			return "", "", db.Invalid{Field: "lost", Code: "kind"}
		}
	}
	return kept, lost, nil
}

// writablePerson returns the person of a customer, if the viewer may change her card.
func (d *Desk) writablePerson(tx *db.Tx, v staff.Viewer, customerID string) (string, error) {
	person, err := d.Visible(tx, v, customerID)
	if err == nil && !v.May(staff.KeepCards) {
		return "", staff.ErrForbidden
	}
	return person, err
}

func (d *Desk) prove(tx *db.Tx, p Proof, ones, twos []string) error {
	switch p {
	case ProvedByAdvisor, ProvedByLink:
		return nil
	case ProvedByPhone, ProvedByMember:
		shared, err := d.Book.Sharings(tx, ones)
		if err != nil {
			return err
		}
		for _, s := range shared {
			if s.Verified && string(s.Kind) == string(p) && slices.Contains(twos, s.CustomerID) {
				return nil
			}
		}
		return ErrUnproved
	}
	return db.Invalid{Field: "proof", Code: "unknown"}
}

// take holds everything that a merge moves, or refuses while something is on its
// way. What it has written by then changes nothing.
func (d *Desk) take(tx *db.Tx, records []string) ([]held, error) {
	if err := d.Book.Hold(tx, records); err != nil {
		return nil, err
	}
	threads, err := hold(tx, records)
	if err != nil {
		return nil, err
	}
	return threads, idle(tx, threads)
}

// Unmerge undoes a merge: both are as they were, plus what came since to where it
// came from. Merges can be undone in any order; what was merged into the lost
// person before stays with her. The two are not suggested again.
func (d *Desk) Unmerge(tx *db.Tx, v staff.Viewer, mergeID string) error {
	if err := customer.LockMerges(tx); err != nil {
		return err
	}
	m, err := d.Book.MergeByID(tx, mergeID)
	if err != nil {
		return err
	}
	if _, err := d.writablePerson(tx, v, m.LostID); err != nil {
		return err
	}
	if !m.UndoneAt.IsZero() {
		return nil
	}
	s, err := d.Book.PlanSplit(tx, m)
	if err != nil {
		return err
	}
	before := slices.Concat(s.Rest, s.Gone)
	threads, err := d.take(tx, before)
	if err != nil {
		return err
	}
	if err := d.Book.Apart(tx, s, v.ID); err != nil {
		return err
	}
	if err := d.returnBindings(tx, m, v.ID); err != nil {
		return err
	}
	if err := d.Book.RefuseMerge(tx, m.KeptID, m.LostID, v.ID); err != nil {
		return err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.unmerge", Customer: s.PersonID, Object: m.ID, Detail: m.LostID})
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.unmerge", Customer: m.LostID, Object: m.ID, Detail: s.PersonID})
	g := regrouping{before: [][]string{before}, after: [][]string{s.Rest, s.Gone}, act: ActUnmerged, by: v.ID}
	return d.regroup(tx, g, threads)
}

// returnBindings ends what the kept person has of the lost one's advisors, and so
// does everybody she was merged into later.
func (d *Desk) returnBindings(tx *db.Tx, m customer.Merged, by string) error {
	err := d.Book.ReturnBindings(tx, customer.Carrying{KeptID: m.KeptID, MergeID: m.ID, By: by})
	for err == nil {
		if m, err = d.Book.MergeOf(tx, m.KeptID); err != nil {
			break
		}
		c := customer.Carrying{KeptID: m.KeptID, LostID: m.LostID, MergeID: m.ID, By: by}
		if err = d.Book.ReturnBindings(tx, c); err == nil {
			err = d.Book.CarryBindings(tx, c)
		}
	}
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	return err
}

// Merges lists the merges of a person, the newest first, the undone ones too.
func (d *Desk) Merges(tx *db.Tx, v staff.Viewer, customerID string) ([]customer.Merged, error) {
	person, err := d.Visible(tx, v, customerID)
	if err != nil {
		return nil, err
	}
	return d.Book.Merges(tx, person)
}

// Refuse remembers that two persons are not one: they are not suggested again.
func (d *Desk) Refuse(tx *db.Tx, v staff.Viewer, oneID, twoID string) error {
	one, err := d.writablePerson(tx, v, oneID)
	if err != nil {
		return err
	}
	two, err := d.writablePerson(tx, v, twoID)
	if err != nil {
		return err
	}
	if one == two {
		return db.Invalid{Field: "other", Code: "same"}
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "customer.not_one", Customer: one, Object: two})
	return d.Book.RefuseMerge(tx, one, two, v.ID)
}

// JobMerge merges who was proved to be one, when something was on its way before.
const JobMerge = "merge"

type mergeArgs struct {
	Customer string `json:"customer"`
}

// mergeAgain is how long a proved merge waits for a message that is on its way.
const mergeAgain = 5 * time.Second

// MergeProved makes one person of everybody who has the same verified phone or
// member number as a customer, and returns the person. Those of whom somebody
// said that they are not one stay apart. While a message is on its way, a job
// does it later.
func (d *Desk) MergeProved(tx *db.Tx, customerID string) (string, error) {
	person, busy, err := d.mergeProved(tx, customerID)
	if err == nil && busy {
		err = job.Enqueue(tx, job.New{Kind: JobMerge, Key: person, Args: mergeArgs{person}, RunAt: tx.Now.Add(mergeAgain)})
	}
	return person, err
}

func (d *Desk) mergeProved(tx *db.Tx, customerID string) (person string, busy bool, err error) {
	if person, err = d.Book.Person(tx, customerID); err != nil {
		return "", false, err
	}
	for range maxRecords {
		records, err := d.Book.Records(tx, person)
		if err != nil {
			return "", false, err
		}
		other, proof, err := d.provedOther(tx, records)
		if err != nil || other == "" {
			return person, false, err
		}
		// The older one is kept: more points to her.
		kept, lost := person, other
		if lost < kept {
			kept, lost = lost, kept
		}
		_, err = d.Merge(tx, staff.System(), Merge{KeptID: kept, LostID: lost, Proof: proof})
		if errors.Is(err, ErrBusy) {
			return person, true, nil
		}
		if errors.As(err, new(db.Invalid)) { // too many share this number
			return person, false, nil
		}
		if err != nil {
			return "", false, err
		}
		person = kept
	}
	return person, false, nil
}

// provedOther finds another person who is proved to be this one.
func (d *Desk) provedOther(tx *db.Tx, records []string) (person string, p Proof, err error) {
	shared, err := d.Book.Sharings(tx, records)
	if err != nil {
		return "", "", err
	}
	refused, err := d.Book.Refusals(tx, records)
	if err != nil {
		return "", "", err
	}
	for _, s := range shared {
		if !s.Verified || s.Kind == customer.Email {
			continue
		}
		other, err := d.Book.Person(tx, s.CustomerID)
		if err != nil {
			return "", "", err
		}
		theirs, err := d.Book.Records(tx, other)
		if err != nil {
			return "", "", err
		}
		if !slices.ContainsFunc(theirs, func(r string) bool { return refused[r] }) {
			return other, Proof(s.Kind), nil
		}
	}
	return "", "", nil
}
