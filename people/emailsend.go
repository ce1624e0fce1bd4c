package people

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// What is done about an address somebody gave.
const (
	emailCode    = "code"    // a code is sent to it
	emailChanged = "changed" // the address it took the place of is told
	emailForget  = "forget"  // its day is over
)

// EmailArgs asks for one step about an address somebody gave. The address and
// the code are no part of it: what waits for others' servers is kept for days.
type EmailArgs struct {
	PersonID uuid.UUID `json:"person_id"`
	AskID    uuid.UUID `json:"ask_id"`
	What     string    `json:"what"` // code, changed or forget
}

// Kind names the job.
func (EmailArgs) Kind() string { return "own_email" }

// emailOptions: tried again after longer and longer, for some three quarters of
// an hour; whoever waits for a code asks for another before that.
func emailOptions() *river.InsertOpts {
	return &river.InsertOpts{Queue: db.QueueOutside, MaxAttempts: 7}
}

// EmailWorker sends codes to addresses, and tells those that were replaced; cmd
// registers it. Each attempt makes a code of its own, which is written down
// nowhere but in the e-mail: its hash is kept before it leaves. Where two arrive
// the newer counts.
type EmailWorker struct {
	river.WorkerDefaults[EmailArgs]
	DB      *db.DB
	Mailer  *Mailer // nil: nothing is sent
	Address string  // where people sign in
}

// Work does one step.
func (w *EmailWorker) Work(ctx context.Context, job *river.Job[EmailArgs]) error {
	switch a := job.Args; {
	case a.What == emailForget:
		return w.do(ctx, a, func(tx *db.Tx) error {
			_, err := tx.PGX.Exec(ctx, `DELETE FROM email_ask WHERE person_id = $1 AND id = $2`, a.PersonID, a.AskID)
			return err
		})
	case w.Mailer == nil:
		return nil
	case a.What == emailCode:
		return w.sendCode(ctx, a)
	case a.What == emailChanged:
		return w.tellOld(ctx, a)
	}
	return nil
}

func (w *EmailWorker) do(ctx context.Context, a EmailArgs, f func(tx *db.Tx) error) error {
	if err := w.DB.Do(ctx, db.Scope{Person: a.PersonID}, f); err != nil {
		return fmt.Errorf("about an own e-mail address (%s): %w", a.What, err)
	}
	return nil
}

func (w *EmailWorker) sendCode(ctx context.Context, a EmailArgs) error {
	code, to := NewCode(), ""
	err := w.do(ctx, a, func(tx *db.Tx) error {
		err := tx.PGX.QueryRow(ctx, `UPDATE email_ask SET code_hash = $3 WHERE person_id = $1 AND id = $2 AND closed_at IS NULL AND expires_at > $4 RETURNING address`,
			a.PersonID, a.AskID, emailHash(a.AskID, code), tx.Now).Scan(&to)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // taken back, or asked anew
		}
		return err
	})
	if err != nil || to == "" {
		return err
	}
	return w.Mailer.Send(ctx, Mail{
		To: to, ID: shortbreaks.NewID(), Subject: "A code for your e-mail address",
		Text: "Somebody gave this address as theirs. If it was you, this is your code:\n\n" + code +
			"\n\nSign in and enter it within a day: " + w.Address + "\n\nIf it was not you, do nothing. Nothing more is sent here.\n",
	})
}

// tellOld tells an address that another took its place, and forgets it.
func (w *EmailWorker) tellOld(ctx context.Context, a EmailArgs) error {
	var to *string
	err := w.do(ctx, a, func(tx *db.Tx) error {
		err := tx.PGX.QueryRow(ctx, `SELECT replaced FROM email_ask WHERE person_id = $1 AND id = $2`, a.PersonID, a.AskID).Scan(&to)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || to == nil {
		return err
	}
	err = w.Mailer.Send(ctx, Mail{
		To: *to, ID: a.AskID, Subject: "Your e-mail address was changed",
		Text: "News go to another address from now on, and no more come here.\n\nIf it was not you who changed it, sign in and put it right: " + w.Address + "\n",
	})
	if err != nil {
		return err
	}
	return w.do(ctx, a, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE email_ask SET replaced = NULL WHERE person_id = $1 AND id = $2`, a.PersonID, a.AskID)
		return err
	})
}
