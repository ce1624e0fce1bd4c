package marketplace_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// In a circle a word that is only begun is looked for by what it may become.
// It must find just what all words that begin so would.
func TestAWordOnlyBegunFindsTheSameInACircleAsEverywhere(t *testing.T) {
	t.Parallel()
	s := market(t)
	const sqlDiffer = `
SELECT DISTINCT b.begun FROM search_word w
CROSS JOIN LATERAL (SELECT left(w.word, n) AS begun FROM generate_series(3, length(w.word)) AS n) b
JOIN offer_listing l ON (l.words @@ begun(b.begun)) <> (l.words @@ to_tsquery('english', b.begun || ':*'))
LIMIT 5`
	var differ []string
	var matched int
	require.NoError(t, s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		if err := tx.PGX.QueryRow(s.ctx, `SELECT count(*) FROM search_word w JOIN offer_listing l ON l.words @@ begun(left(w.word, 3))`).Scan(&matched); err != nil {
			return err
		}
		return tx.PGX.QueryRow(s.ctx, `SELECT coalesce(array_agg(begun), '{}') FROM (`+sqlDiffer+`) d`).Scan(&differ)
	}))
	require.Empty(t, differ)
	require.Greater(t, matched, 20)

	for _, text := range []string{"sat", "satur", "saturday", "gard mus", "music gar", "youth clu", "the", "the clu", "club the", "youth 100", "zzz"} {
		everywhere := s.page(marketplace.SearchQuery{Text: text, Postcode: "ZZ1"})
		near := s.page(marketplace.SearchQuery{Text: text, Postcode: "ZZ1", WithinKM: 40})
		var titles []string
		for _, o := range everywhere.Items {
			if *o.DistanceKM <= 40 {
				titles = append(titles, o.Title)
			}
		}
		found := []string(nil)
		for _, o := range near.Items {
			found = append(found, o.Title)
		}
		require.Equal(t, titles, found, text)
	}
}

// Where more words begin so than are worth listing, all that begin so are meant.
func TestABeginningOfManyWordsMeansThemAll(t *testing.T) {
	t.Parallel()
	s := market(t)
	var terms []int
	require.NoError(t, s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		for _, n := range []int{39, 1, 1} {
			if _, err := tx.PGX.Exec(s.ctx, `INSERT INTO search_word SELECT 'qzx' || k FROM (SELECT count(*) AS n FROM search_word WHERE word LIKE 'qzx%') c, generate_series(c.n + 1, c.n + $1) k`, n); err != nil {
				return err
			}
			var nodes int
			if err := tx.PGX.QueryRow(s.ctx, `SELECT numnode(begun('qzx'))`).Scan(&nodes); err != nil {
				return err
			}
			terms = append(terms, (nodes+1)/2)
		}
		return nil
	}))
	require.Equal(t, []int{40, 41, 1}, terms)
}
