package booking

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	quick "github.com/segmentio/encoding/json"
	"github.com/stretchr/testify/require"
)

// everyField gives every field under v a value that is not its zero, so that a field
// left out of the reading shows.
func everyField(t *testing.T, v reflect.Value, n *int64) {
	t.Helper()
	*n++
	switch at := v.Interface().(type) {
	case uuid.UUID:
		at[15] = byte(*n)
		v.Set(reflect.ValueOf(at))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2027, 3, 28, 1, 0, int(*n%60), 123_000_000, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		everyField(t, v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				everyField(t, v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		everyField(t, v.Index(0), n)
		everyField(t, v.Index(1), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		everyField(t, key, n)
		everyField(t, value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("é \"quoted\" \\ \n £ " + time.Duration(*n).String())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(*n)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256)) //nolint:gosec // below 256
	default:
		require.Fail(t, "no value for "+v.Type().String())
	}
}

func TestAQuoteIsReadAtTheDeskAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, whole := range map[string]bool{"everything in it": true, "nothing in it": false} {
		var wrote, read QuoteDocument
		if whole {
			n := int64(0)
			everyField(t, reflect.ValueOf(&wrote).Elem(), &n)
		}
		text, err := json.Marshal(wrote)
		require.NoError(t, err)
		var standard QuoteDocument
		require.NoError(t, json.Unmarshal(text, &standard))
		_, err = quick.Parse(text, &read, quick.ZeroCopy)
		require.NoError(t, err)
		require.Equal(t, standard, read, name)
	}
}
