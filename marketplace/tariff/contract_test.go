package tariff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Whoever writes a tariff by the contract learns of each limit there, and not
// by being refused.
func TestTheContractStatesTheLimitsOfATariff(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(shortbreaks.OpenAPI)
	require.NoError(t, err)
	schema := func(name string) *openapi3.Schema { return doc.Components.Schemas[name].Value }
	most := func(name, list string) int { return int(*schema(name).Properties[list].Value.MaxItems) }
	limits := tariff.Limits()
	require.Equal(t, limits["options"], most("Tariff", "options"))
	require.Equal(t, limits["charges"], most("PriceOption", "charges"))
	require.Equal(t, limits["components"], most("Charge", "components"))
	require.Equal(t, limits["rows"], most("Rate", "durations"))
	require.Equal(t, limits["rows"], most("Rate", "ratios"))
	require.Equal(t, limits["rows"], most("RateBands", "list"))
	require.Equal(t, limits["pence"], int(*schema("Charge").Properties["amount_pence"].Value.Max))

	said := func(name, words string) {
		require.Contains(t, strings.Join(strings.Fields(schema(name).Description), " "), words)
	}
	said("Tariff", fmt.Sprintf("at most %d kinds of block", limits["blocks"]))
	said("Tariff", fmt.Sprintf("at most %d options may have prices that depend on how much is bought together", limits["wholes"]))
	said("Tariff", "at most one membership")
	said("PriceOption", "only there")
	said("PriceOption", "An option is not both.")
	said("Charge", "A contingent charge names its `event` and its `cap_pence`")
	said("Charge", "`includes_minutes_with_child` of an hour is at most 60")
	said("PercentOf", "The charge has the amount 0")
	said("TermsStep", "Each step has less notice than the one before")
}
