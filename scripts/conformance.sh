#!/bin/sh
# Holds the contract against its standard, and the server against the contract:
# the linters, then every test of api, which checks each answer against
# openapi.yaml, with the tests that carry the build tag `conformance`. Open data
# is judged by validators of others where what they judge by is at hand.
set -eu
cd "$(dirname "$0")/.."
scripts/check.sh contract
# Data of others that judge us is not part of this project: name its folder in
# SHORTBREAKS_JUDGES to be judged by it too.
if [ -n "${SHORTBREAKS_JUDGES:-}" ]; then
	go test -count=1 -tags conformance -run Vectors ./marketplace
	scripts/judges.sh
fi
[ $# -gt 0 ] || set -- ./api/...
exec go test -count=1 -tags conformance -timeout 30m "$@"
