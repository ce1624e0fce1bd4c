#!/bin/sh
# Everything that can be checked without running the tests. Every step runs, so
# that one run tells all; the exit code is 1 if any failed. It writes nothing
# outside .tools, node_modules and a temporary folder, except api/gen, which is
# left freshly generated if it was not.
set -u
cd "$(dirname "$0")/.." || exit 1

lint_version=v2.15.0
lint=$PWD/.tools/bin/golangci-lint-$lint_version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=

# step NAME COMMAND...: runs it, shows its output only if it fails.
step() {
	name=$1
	shift
	began=$(date +%s)
	if "$@" >"$work/log" 2>&1; then
		printf 'ok    %-34s %s s\n' "$name" $(($(date +%s) - began))
	else
		printf 'FAIL  %-34s %s s\n' "$name" $(($(date +%s) - began))
		sed 's/^/      /' "$work/log"
		failed="$failed
  $name"
	fi
}

# Built here rather than fetched: the only places packages come from are the
# registries of Go, Debian and npm. By the toolchain of go.mod, because a linter
# built with an older Go refuses newer code.
install_lint() {
	[ -x "$lint" ] && return
	mkdir -p "$work/bin" .tools/bin
	GOTOOLCHAIN=$(go env GOVERSION) GOBIN=$work/bin CGO_ENABLED=0 GOFLAGS= \
		go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$lint_version" &&
		mv "$work/bin/golangci-lint" "$lint"
}

format() {
	"$lint" fmt --diff || { echo "To mend it: $lint fmt"; return 1; }
}

vet() {
	go vet ./... || return 1
	# Code behind these tags is compiled by nothing else here.
	grep -rqE --include='*.go' '^//go:build .*(conformance|torture)' . || return 0
	go vet -tags 'conformance torture' ./...
}

generated() {
	[ -n "$(ls api/gen/*.go 2>/dev/null)" ] || { echo "api/gen holds no code"; return 1; }
	cp -R api/gen "$work/gen" && go generate ./... || return 1
	diff -ru "$work/gen" api/gen || {
		echo "api/gen was not what openapi.yaml says; it is now. Read the difference and commit it."
		return 1
	}
}

npm_lint() {
	scripts/need.sh 'npm (for the linters of the contract)' 'command -v npm' npm || return 1
	# npm leaves this file behind when it has finished.
	if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
		npm ci --ignore-scripts --no-audit --no-fund || return 1
		touch node_modules/.package-lock.json
	fi
	REDOCLY_TELEMETRY=off npm run --silent lint
}

shell() {
	for script in scripts/*.sh; do
		sh -n "$script" || return 1
		[ -x "$script" ] || { echo "$script may not be executed"; return 1; }
	done
	bash -n .ci/run
	[ -x .ci/run ] || { echo ".ci/run may not be executed"; return 1; }
}

case "${1:-all}" in
contract)
	step 'contract (spectral, redocly)' npm_lint
	;;
all)
	step "golangci-lint $lint_version, built" install_lint
	step 'format (gofumpt)' format
	step 'go vet' vet
	step 'golangci-lint' "$lint" run ./...
	step 'go.mod is tidy' go mod tidy -diff
	step 'generated code is that of the contract' generated
	step 'contract (spectral, redocly)' npm_lint
	step 'shell scripts' shell
	;;
*)
	echo "check.sh takes nothing, or 'contract'" >&2
	exit 2
	;;
esac

[ -z "$failed" ] && exit 0
printf 'Failed:%s\n' "$failed"
exit 1
