package demo

import (
	"context"
	"errors"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/export"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// What the privacy officer finds on her pages: a file that waits for her, one of hers that
// waits for somebody else, an alarm about somebody who is about to leave, and two
// customers who want something of their data.

// manyRows is from where on a file of the demonstration needs a second person.
const manyRows = 10

// asking is a file that somebody wants.
type asking struct {
	who, reason string
	kind        export.Kind
	filter      export.Filter
}

func (s *seeder) watch(ctx context.Context) error {
	files := &export.Room{DB: s.desk.DB, Vault: s.desk.Vault, Blobs: s.desk.Blobs, Desk: s.desk, Book: s.desk.Book}
	err := s.desk.DB.Write(ctx, func(tx *db.Tx) error {
		settings, err := export.Load(tx)
		if err != nil {
			return err
		}
		settings.SecondAbove = manyRows
		if err := export.Save(tx, staff.System(), settings); err != nil {
			return err
		}
		return s.ask(tx)
	})
	if err != nil {
		return fmt.Errorf("requests: %w", err)
	}
	for _, a := range []asking{
		{"shufen", "週年慶邀請卡：核對名單後交給印刷廠", export.Customers, export.Filter{Purpose: export.OwnUse}},
		{"wenbin", "十一月內部查核", export.Audit, export.Filter{}},
	} {
		if err := s.wants(ctx, files, a); err != nil {
			return fmt.Errorf("file for %s: %w", a.who, err)
		}
	}
	for range 2 { // she leaves in two weeks: that is refused, and the officer hears of it
		err := s.wants(ctx, files, asking{leavingAdvisor, "自己的客人名單", export.Customers, export.Filter{Purpose: export.OwnUse}})
		if err == nil {
			return errors.New("somebody who leaves was given a file")
		}
		if !errors.Is(err, staff.ErrForbidden) && !errors.As(err, new(db.Invalid)) {
			return fmt.Errorf("file for %s: %w", leavingAdvisor, err)
		}
	}
	return nil
}

func (s *seeder) wants(ctx context.Context, files *export.Room, a asking) error {
	var v staff.Viewer
	err := s.desk.DB.Read(ctx, func(tx *db.Tx) (err error) {
		v, err = staff.ViewerByID(tx, s.group.people[a.who])
		return err
	})
	if err == nil {
		_, err = files.Ask(ctx, v, export.Request{Kind: a.kind, Reason: a.reason, Filter: a.filter})
	}
	return err
}

// ask enters what two customers want: one on her page, one in a letter.
func (s *seeder) ask(tx *db.Tx) error {
	room := privacy.Room{DB: s.desk.DB, Vault: s.desk.Vault, Book: s.desk.Book, Desk: s.desk}
	if _, err := room.RequestExport(tx, s.known[s.order[3]].customer, privacy.FromPage); err != nil {
		return err
	}
	officer, err := staff.ViewerByID(tx, s.group.people["wenbin"])
	if err != nil {
		return err
	}
	_, err = room.AskFor(tx, officer, privacy.Asking{PersonID: s.known[s.order[7]].customer, Kind: privacy.AskCorrect, Origin: privacy.FromOfficer,
		Note: "來信表示手機號碼已更換，請改為新號碼並刪除舊號碼。"})
	return err
}
