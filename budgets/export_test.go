package budgets

// Words are the lists this package checks against, by their schema in the
// contract.
func Words() map[string][]string {
	lists := map[string][]string{}
	for schema, list := range map[string][]word{
		"Category": categories, "ChargeKind": chargeKinds, "FundingStream": streams, "AccountUnit": units, "PlanType": planTypes,
		"ManagementOption": managementOptions,
	} {
		for _, w := range list {
			lists[schema] = append(lists[schema], w.value)
		}
	}
	return lists
}
