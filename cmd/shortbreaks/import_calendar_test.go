package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db/dbtest"
)

func TestHolidaysAndTermDatesAreImportedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	owner := dbtest.Owner(t, d)
	ctx := t.Context()
	address, _ := dbtest.URLs(t, d)
	ash := shortbreaks.NewID()
	_, err := owner.Exec(ctx, `INSERT INTO authority (id, name, slug, area) VALUES ($1, 'Ashmere', 'ashmere', 'ZZ')`, ash)
	require.NoError(t, err)
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	say := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := importFile(ctx, config{DatabaseURL: address}, args, &out)
		return out.String(), err
	}
	holidays := file("h.csv", "date,name\n2027-06-07,Extra bank holiday\n")
	text, err := say("holidays", holidays, "--dry-run")
	require.NoError(t, err)
	require.Equal(t, "The file is right; nothing was changed. It has 1 bank holiday: 1 new, 0 with another name, 0 known.\n", text)
	text, err = say("holidays", holidays)
	require.NoError(t, err)
	require.Equal(t, "Imported 1 bank holiday: 1 new, 0 with another name, 0 known.\n", text)
	text, err = say("holidays", file("bad.csv", "date,name\nsoon,x\n"))
	require.ErrorIs(t, err, errFailed)
	require.Equal(t, "row 2, date: Give a date such as 2027-01-09.\n1 error in 1 row. Nothing was imported; put them right and try again.\n", text)

	terms := file("t.csv", "kind,first_date,last_date\nterm,2027-01-04,2027-03-25\n")
	text, err = say("calendar", "--authority", "Ashmere", terms, "--school", "Hill Academy")
	require.NoError(t, err)
	require.Equal(t, "Imported 1 range from 2027-01-04 to 2027-03-25; 0 of before replaced.\nThe school \"Hill Academy\" was not known before.\n", text)
	diary := file("t.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20270104\r\nDTEND;VALUE=DATE:20270326\r\nSUMMARY:Spring term\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	text, err = say("calendar", diary, "--school", "hill academy")
	require.NoError(t, err)
	require.Equal(t, "Imported 1 range from 2027-01-04 to 2027-03-25; 1 of before replaced.\n", text)
	_, err = say("calendar", terms, "--authority", "Nowhere")
	require.ErrorContains(t, err, `no council called "Nowhere"`)
	_, err = say("calendar", terms, "--school", "Nowhere")
	require.ErrorContains(t, err, `no school called "Nowhere"`)
	text, err = say("calendar", terms)
	require.ErrorContains(t, err, "whose it is")
	require.Contains(t, text, "half_term, holiday or inset")
	_, err = say("holidays")
	require.ErrorContains(t, err, "name the file")
}
