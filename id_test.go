package shortbreaks_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
)

func TestReferenceFindsOneWrongCharacter(t *testing.T) {
	t.Parallel()
	ref := shortbreaks.NewReference()
	require.Regexp(t, `^SB-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`, ref)
	got, ok := shortbreaks.ParseReference(" " + strings.ToLower(ref))
	require.True(t, ok)
	require.Equal(t, ref, got)
	for i := 3; i < len(ref); i++ {
		if ref[i] == '-' {
			continue
		}
		wrong := []byte(ref)
		wrong[i] = '0'
		if ref[i] == '0' {
			wrong[i] = '1'
		}
		_, ok := shortbreaks.ParseReference(string(wrong))
		require.False(t, ok, "%s taken for %s", wrong, ref)
	}
}
