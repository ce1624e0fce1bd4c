package marketplace

import (
	"context"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// england is the only nation whose bank holidays are kept.
const england = "england"

// BankHoliday is a day that England's list names. A one-off extra day is one
// more of them (T26).
type BankHoliday struct {
	Nation string    `gorm:"primaryKey"`
	OnDate time.Time `gorm:"primaryKey"` // a date: midnight UTC
	Name   string
}

// TableName is the table's.
func (BankHoliday) TableName() string { return "bank_holiday" }

// BankHolidays names England's bank holidays from one date to another, both
// included. Keys are dates, midnight UTC, as shortbreaks.Date gives them.
func BankHolidays(ctx context.Context, tx *db.Tx, from, to time.Time) (map[time.Time]string, error) {
	days, err := gorm.G[BankHoliday](tx.DB).Where("nation = ? AND on_date BETWEEN ? AND ?", england, from, to).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading bank holidays: %w", err)
	}
	names := make(map[time.Time]string, len(days))
	for _, d := range days {
		names[d.OnDate.UTC()] = d.Name
	}
	return names, nil
}

// HolidaysHelp says what a file of bank holidays looks like.
const HolidaysHelp = `A file of bank holidays is CSV in UTF-8. Its first row names the columns:

  date*   2027-06-07
  name*   what the day is called: Extra bank holiday

Days that are known already stay; a known day with another name takes the new one.
Nothing is imported unless every row can be.
`

// HolidayReport is what became of a file of bank holidays.
type HolidayReport struct {
	Rows, Added, Renamed, Unchanged int
	DryRun                          bool
	Errors                          []ImportError
}

// ImportHolidays adds England's bank holidays from a CSV (see HolidaysHelp):
// all of them or none. It is for whoever runs the service; no role of the
// contract may.
func ImportHolidays(ctx context.Context, d *db.DB, r io.Reader, dryRun bool) (HolidayReport, error) {
	rows, faults, err := readCSV(r, []string{"date", "name"}, []string{"date", "name"})
	if err != nil {
		return HolidayReport{}, err
	}
	days, faults := holidaysOf(rows, faults)
	report := HolidayReport{Rows: len(rows), DryRun: dryRun, Errors: faults}
	if err := importRefusal(faults); err != nil {
		return report, err
	}
	run := d.Do
	if dryRun {
		run = d.Read
	}
	err = run(ctx, db.Scope{}, func(tx *db.Tx) error {
		report.Added, report.Renamed, report.Unchanged = 0, 0, 0 // anew if the transaction is run again
		known, err := BankHolidays(ctx, tx, days[0].OnDate, days[len(days)-1].OnDate)
		if err != nil {
			return err
		}
		for _, day := range days {
			switch name, there := known[day.OnDate]; {
			case !there:
				report.Added++
			case name != day.Name:
				report.Renamed++
			default:
				report.Unchanged++
			}
		}
		if dryRun {
			return nil
		}
		return gorm.G[BankHoliday](tx.DB, clause.OnConflict{
			Columns: []clause.Column{{Name: "nation"}, {Name: "on_date"}}, DoUpdates: clause.AssignmentColumns([]string{"name"}),
		}).CreateInBatches(ctx, &days, rowsAtOnce)
	})
	return report, err
}

// holidaysOf reads the rows, by date, each date once.
func holidaysOf(rows []csvRow, faults []ImportError) ([]BankHoliday, []ImportError) {
	var days []BankHoliday
	seen := map[time.Time]int{}
	for _, r := range rows {
		on, trouble := csvDate(r.cell["date"])
		if trouble != "" {
			faults = append(faults, ImportError{r.line, "date", trouble})
			continue
		}
		if name := r.cell["name"]; name == "" || len([]rune(name)) > 100 {
			faults = append(faults, ImportError{r.line, "name", "Write 1 to 100 characters."})
		}
		if first, twice := seen[on]; twice {
			faults = append(faults, ImportError{r.line, "date", fmt.Sprintf("This date is in row %d already.", first)})
			continue
		}
		seen[on] = r.line
		days = append(days, BankHoliday{Nation: england, OnDate: on, Name: r.cell["name"]})
	}
	sortByDate(days, func(d BankHoliday) time.Time { return d.OnDate })
	return days, faults
}

// csvDate is a date as written, or what is wrong with it.
func csvDate(text string) (on time.Time, trouble string) {
	on, err := time.Parse(time.DateOnly, text)
	if err != nil || on.Year() < 2000 || on.Year() > 2100 {
		return time.Time{}, "Give a date such as 2027-01-09."
	}
	return on, ""
}

// importRefusal is the refusal of a file of which some rows cannot be used.
func importRefusal(faults []ImportError) error {
	if len(faults) == 0 {
		return nil
	}
	refusal := *shortbreaks.ErrInvalid
	refusal.Detail = "Nothing was imported: " + shortbreaks.Plural(len(faults), "value") + " cannot be used."
	for _, e := range faults {
		refusal.Fields = append(refusal.Fields, shortbreaks.Field{Pointer: fmt.Sprintf("/rows/%d/%s", e.Row, e.Column), Detail: e.Detail})
	}
	return &refusal
}
