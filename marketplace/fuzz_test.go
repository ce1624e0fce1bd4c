package marketplace_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// Whatever is typed, a search answers or refuses it: it is never our fault.
func FuzzSearchText(f *testing.F) {
	for _, text := range []string{
		"", "swim", "swimmng", `'"; DROP TABLE offer`, "a & b | !c <-> d:*", "((", "\\", "\\'", "%_", "100%", "the and of", "é ß ﬁ İ", "日本語", "½ ² ٣",
		"\x00", "\xff\xfe", "one-to-one", "O'Neil's", "a:b:c*", "'':*", "x'::tsquery", "\u200b", "👩‍👧", "ＡＢＣ", "a\u0301", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"1 2 3 4 5 6 7 8 9 10 11 12", "ab", "abc", "$1 @exact @limit",
	} {
		f.Add(text)
	}
	s := market(f)
	f.Fuzz(func(t *testing.T, text string) {
		page, err := marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{Text: text})
		var refusal *shortbreaks.Error
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		for _, r := range page.Relax {
			if r.Count < 1 || !utf8.ValidString(r.Text) {
				t.Fatalf("%q: %v", text, r)
			}
		}
		if _, err := marketplace.Facets(s.ctx, s.d, marketplace.SearchQuery{Text: text}); err != nil {
			t.Fatalf("%q counted: %v", text, err)
		}
		if sql, err := marketplace.Statement(s.ctx, s.d, marketplace.SearchQuery{Text: text}); err == nil {
			if _, err := s.admin.Exec(s.ctx, "EXPLAIN "+sql); err != nil {
				t.Fatalf("%q by hand: %v", text, err)
			}
		}
	})
}
