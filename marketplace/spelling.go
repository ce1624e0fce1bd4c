package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// What somebody types is cut into words of letters and digits, whatever else
// is in it, so nothing of it can mean anything to PostgreSQL but words.

// The most that is made of what is typed, and how many spellings of a word are
// tried besides.
const (
	mostText      = 100 // characters
	mostWords     = 8
	mostSpellings = 6
)

// wordsOf are the words of a text in small letters, in order.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// wording is what is typed as PostgreSQL's full text search reads it: every
// word, by its stem; the last may be only begun.
type wording struct {
	words []string
}

func wordingOf(text string) wording {
	words := wordsOf(text)
	return wording{words[:min(len(words), mostWords)]}
}

// exact is the query for the words as written; "" if there are none.
func (w wording) exact() string {
	terms := make([]string, 0, len(w.words))
	for i, word := range w.words {
		terms = append(terms, w.term(i, word))
	}
	return strings.Join(terms, " & ")
}

// parts are the query for the words that are whole, and the word that may be
// only begun; "" for either if there is none.
func (w wording) parts() (whole, begun string) {
	last := len(w.words) - 1
	if last < 0 || !w.begins(last) {
		return w.exact(), ""
	}
	return wording{w.words[:last]}.allWhole(), w.words[last]
}

func (w wording) allWhole() string {
	terms := make([]string, 0, len(w.words))
	for _, word := range w.words {
		terms = append(terms, quoted(word))
	}
	return strings.Join(terms, " & ")
}

// begins reports whether a word may be only begun.
func (w wording) begins(i int) bool { return i == len(w.words)-1 && len([]rune(w.words[i])) >= 3 }

// term is a word, or all words it begins if it is the last: those with its stem
// are among them.
func (w wording) term(i int, word string) string {
	if w.begins(i) {
		return quoted(word) + ":*"
	}
	return quoted(word)
}

func quoted(word string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(word, `\`, `\\`), "'", "''") + "'"
}

// near is the query for words spelt nearly so; "" if nothing is.
func (w wording) near(spellings map[string][]string) string {
	terms, other := make([]string, 0, len(w.words)), false
	for i, word := range w.words {
		choice := []string{w.term(i, word)}
		for _, s := range spellings[word] {
			choice, other = append(choice, quoted(s)), true
		}
		terms = append(terms, "("+strings.Join(choice, " | ")+")")
	}
	if !other {
		return ""
	}
	return strings.Join(terms, " & ")
}

// sqlSpellings looks a word up among those offers use. The trigram index finds
// what looks alike; mistakes are counted in Go.
const sqlSpellings = `
SELECT t.typed, s.word
FROM unnest($1::text[]) AS t (typed)
CROSS JOIN LATERAL (
    SELECT word FROM search_word WHERE word % t.typed AND word <> t.typed ORDER BY similarity(word, t.typed) DESC, word LIMIT 20) s
UNION
SELECT w.typed, w.swapped FROM unnest($2::text[], $3::text[]) AS w (typed, swapped) JOIN search_word s ON s.word = w.swapped
ORDER BY 1, 2`

// spellings are the words of offers that each word may have been meant for,
// nearest first.
func (w wording) spellings(ctx context.Context, tx *db.Tx) (map[string][]string, error) {
	var long, from, swapped []string
	for _, word := range w.words {
		if n := len([]rune(word)); n >= 4 && n <= 40 {
			long = append(long, word)
			for _, other := range swaps(word) {
				from, swapped = append(from, word), append(swapped, other)
			}
		}
	}
	near := map[string][]string{}
	if len(long) == 0 {
		return near, nil
	}
	rows, err := tx.PGX.Query(ctx, sqlSpellings, long, from, swapped)
	if err != nil {
		return nil, fmt.Errorf("looking up spellings: %w", err)
	}
	var typed, word string
	_, err = pgx.ForEachRow(rows, []any{&typed, &word}, func() error {
		if mistakes(typed, word) <= allowed(typed) {
			near[typed] = append(near[typed], word)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking up spellings: %w", err)
	}
	for typed, words := range near {
		slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(mistakes(typed, a), mistakes(typed, b)) })
		near[typed] = words[:min(len(words), mostSpellings)]
	}
	return near, nil
}

// swaps are the words with two neighbouring letters the other way round, the
// one mistake that leaves short words without three letters in common.
func swaps(word string) (all []string) {
	letters := []rune(word)
	for i := 1; i < len(letters); i++ {
		if letters[i] == letters[i-1] {
			continue
		}
		other := slices.Clone(letters)
		other[i], other[i-1] = other[i-1], other[i]
		all = append(all, string(other))
	}
	return all
}

// allowed is how many mistakes a word may hold: two letters changed in a short
// word make another one.
func allowed(word string) int {
	if len([]rune(word)) <= 5 {
		return 1
	}
	return 2
}

// mistakes counts the letters to add, leave out, change or swap with the next
// to make one word of the other.
func mistakes(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
