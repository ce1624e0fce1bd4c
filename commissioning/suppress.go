package commissioning

// Smallest is the least number of children a shown count may rest on, and the
// step shown counts are rounded to.
const Smallest = 5

// suppress hides a cell that rests on one to four children and rounds the
// others to the nearest five, children and bookings alike. Rounding is what
// keeps a hidden cell from being found by subtracting the shown ones of one
// grouping from those of another.
func suppress(c *Cell) {
	if *c.Children == 0 {
		return
	}
	if *c.Children < Smallest {
		c.Bookings, c.Children, c.Suppressed = nil, nil, true
		return
	}
	*c.Bookings = roundToStep(*c.Bookings)
	*c.Children = roundToStep(*c.Children)
}

func roundToStep(n int64) int64 { return (n + Smallest/2) / Smallest * Smallest }
