package tariff

// Limits are those of Check, for the test that the contract states them.
func Limits() map[string]int {
	return map[string]int{
		"options": mostOptions, "charges": mostCharges, "components": mostComponents, "rows": mostRows,
		"blocks": mostBlocks, "wholes": mostWholes, "pence": int(maxPence),
	}
}
