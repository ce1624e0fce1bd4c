package booking_test

import (
	"testing"

	"shortbreaks/internal/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
