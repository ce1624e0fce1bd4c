package db

import (
	"strconv"
	"strings"
)

// ArrayRows is a SELECT that makes rows of parameters: one array for each column,
// of these types with spaces between ("uuid text bigint"), from $1 on, all of
// one length. More columns may follow. It says what SELECT * FROM unnest($1,
// $2, …) says, at two thirds of its price: that one keeps every column in a
// store of its own before the first row is made.
func ArrayRows(types string) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, t := range strings.Fields(types) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("unnest($" + strconv.Itoa(i+1) + "::" + t + "[])")
	}
	return b.String()
}
