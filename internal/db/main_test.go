package db_test

import (
	"testing"

	"shortbreaks/internal/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestReadySaysSo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := d.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
}
