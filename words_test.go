package shortbreaks_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
)

func TestASentenceBeginsWithACapitalInAnyAlphabet(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"": "", "late": "Late", "9 hours": "9 hours", "élan": "Élan", "łódź club": "Łódź club", "жизнь": "Жизнь", "ليلى": "ليلى", "\xffx": "\xffx",
	} {
		require.Equal(t, want, shortbreaks.Capital(word))
	}
}
