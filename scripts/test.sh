#!/bin/sh
# All tests, under the race detector. Arguments go to `go test`; without any it
# is every package. PostgreSQL is found or installed by the tests themselves
# (internal/db).
set -eu
cd "$(dirname "$0")/.."

# The race detector is the one thing that needs a C compiler, with its headers.
scripts/need.sh 'A C compiler (for the race detector)' \
	'printf "#include <stdlib.h>\n#include <pthread.h>\nint main(void){return 0;}\n" | ${CC:-gcc} -x c -pthread -o /dev/null -' \
	gcc libc6-dev
export CGO_ENABLED=1

# The walk-through in docs/first-booking.md is run as a person would type it.
scripts/need.sh 'curl (for the walk-through)' 'command -v curl' curl ca-certificates

[ $# -gt 0 ] || set -- ./...
go vet ./...
# -count=1: some tests start programs, whose changes go's cache cannot see.
# -parallel: tests mostly wait for PostgreSQL, so more than one per core helps;
# fixed, so that a small machine and a large one run the same races.
exec go test -race -count=1 -p 2 -parallel 4 -timeout 15m "$@"
