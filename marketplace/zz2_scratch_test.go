package marketplace

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"shortbreaks/internal/db"
)

func BenchmarkScratch(b *testing.B) {
	if os.Getenv("SCRATCH") == "" {
		return
	}
	x, _ := os.ReadFile("/tmp/findpg/urls")
	ctx := context.Background()
	d, err := db.Open(ctx, db.Config{URL: strings.Fields(string(x))[1]})
	if err != nil {
		b.Fatal(err)
	}
	age := 9
	sat := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	b.Run("when", func(b *testing.B) {
		for range b.N {
			if _, err := Search(ctx, d, SearchQuery{Postcode: "ZQ1", WithinKM: 10, Age: &age, When: Window{FromDate: sat, ToDate: sat.AddDate(0, 0, 1)}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compare", func(b *testing.B) {
		for range b.N {
			if _, err := Compare(ctx, d, Pattern{Weekdays: []int{6}, Minutes: 60, StartsOn: sat, EndsOn: sat.AddDate(0, 0, 42), Age: &age, Postcode: "ZQ1", WithinKM: 30}); err != nil {
				b.Fatal(err)
			}
		}
	})
	if os.Getenv("STEPS") != "" {
		d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
			p := Pattern{Weekdays: []int{6}, Minutes: 60, StartsOn: sat, EndsOn: sat.AddDate(0, 0, 42), Age: &age, Postcode: "ZQ1", WithinKM: 30}
			f, _ := p.filter(ctx, d)
			f.asOf = tx.Now
			f.window = Window{FromDate: p.StartsOn, ToDate: p.EndsOn, Weekdays: p.Weekdays}
			g, _ := SearchQuery{Postcode: "ZQ1", WithinKM: 10, Age: &age, When: Window{FromDate: sat, ToDate: sat.AddDate(0, 0, 1)}}.filter(ctx, d)
			g.asOf = tx.Now
			for range 3 {
				t := time.Now()
				c, _ := g.walk(ctx, tx, nil, mostOrdered)
				fmt.Printf("when walk %d %6.2f\n", len(c), time.Since(t).Seconds()*1000)
				t = time.Now()
				var a, b []offerKey
				m := map[uuid.UUID]*hit{}
				for _, x := range c {
					m[x.Offer] = &hit{candidate: x}
					if x.visits {
						b = append(b, x.offerKey)
					} else {
						a = append(a, x.offerKey)
					}
				}
				g.nextSessions(ctx, tx, a, m)
				fmt.Printf("when sessions %d %6.2f\n", len(a), time.Since(t).Seconds()*1000)
				t = time.Now()
				g.nextVisits(ctx, tx, b, m)
				fmt.Printf("when visits %d %6.2f\n", len(b), time.Since(t).Seconds()*1000)
				t = time.Now()
			}
			for range 3 {
				t := time.Now()
				lap := func(s string) { fmt.Printf("%-12s %6.2f ms\n", s, time.Since(t).Seconds()*1000); t = time.Now() }
				c, _ := f.walk(ctx, tx, nil, mostPriced)
				lap("walk")
				o, _ := readComparable(ctx, tx, c)
				lap("tariffs")
				keys := []offerKey{}
				for _, x := range c {
					keys = append(keys, x.offerKey)
				}
				dates := p.dates()
				tt, _ := readTerms(ctx, tx, keys, dates[0], dates[len(dates)-1])
				lap("terms")
				_ = tt
				ss, _ := sessionsOn(ctx, tx, keys, dates)
				lap("sessions")
				n := 0
				for _, x := range ss {
					for _, y := range x {
						n += len(y)
					}
				}
				s, _ := p.stock(ctx, tx, o, dates)
				lap("stock")
				all := []Compared{}
				for _, x := range o {
					if y, ok := s.compare(x); ok {
						all = append(all, y)
					}
				}
				lap("price")
				f.describe(ctx, tx, c, all[:100])
				lap("describe")
				fmt.Println(len(c), n, len(all))
			}
			return nil
		})
	}
}
