package shortbreaks

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Plural is a number with its word: "1 hour", "3 hours".
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Ordinal is "fourth", "13th".
func Ordinal(n int) string {
	words := []string{"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"}
	if n > 0 && n < len(words) {
		return words[n]
	}
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		suffix = map[int]string{1: "st", 2: "nd", 3: "rd"}[n%10]
		if suffix == "" {
			suffix = "th"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// Article is a word with "a" or "an" before it, as said: "an hour", "a half
// term".
func Article(word string) string {
	if word == "" {
		return ""
	}
	if strings.ContainsRune("aeiou", rune(word[0])) || word == "hour" {
		return "an " + Spaced(word)
	}
	return "a " + Spaced(word)
}

// Spaced turns a value of the contract into words.
func Spaced(value string) string { return strings.ReplaceAll(value, "_", " ") }

// Capital begins a sentence.
func Capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if first == utf8.RuneError {
		return s
	}
	return string(unicode.ToTitle(first)) + s[size:]
}

// Listed joins words: "a, b and c".
func Listed(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// Minutes writes a length as people say it: "1 hour 45 minutes".
func Minutes(minutes int) string {
	h, m := minutes/60, minutes%60
	switch {
	case h == 0:
		return Plural(m, "minute")
	case m == 0:
		return Plural(h, "hour")
	}
	return Plural(h, "hour") + " " + Plural(m, "minute")
}

// LongDate is the London date of an instant as people say it: "Saturday 9
// January 2027".
func LongDate(t time.Time) string { return t.In(London).Format("Monday 2 January 2006") }

// ISOWeekday is Monday 1 to Sunday 7.
func ISOWeekday(day time.Time) int { return (int(day.Weekday())+6)%7 + 1 }

// Weekdays names ISO weekdays in the order of the week: "Mondays and Fridays".
func Weekdays(days []int) string {
	names := []string{"", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"}
	var out []string
	for d := 1; d <= 7; d++ {
		if slices.Contains(days, d) {
			out = append(out, names[d])
		}
	}
	return Listed(out)
}
