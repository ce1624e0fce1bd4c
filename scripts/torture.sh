#!/bin/sh
# Races, kills, repeated keys and random sequences, COUNT times over (5), in a
# new order each time (go test prints the seed; ARGS='-shuffle SEED' repeats
# it), with the tests that carry the build tag `torture`. A test that can take
# larger numbers does so when SHORTBREAKS_TORTURE is set.
set -eu
cd "$(dirname "$0")/.."
export SHORTBREAKS_TORTURE=1 CGO_ENABLED=1
count=${COUNT:-5}
checks=${CHECKS:-20000}

# The rules about many at once, ends without warning and repetition, by case
# (T01 to T08) and by the words such tests are named with.
which='^Test(T0[1-8]_|.*(Race|Kill|AtOnce|Once|Many|Deadlock|Crowd|Exactly|Never))'
chosen=$(go test -tags torture -list "$which" ./... | grep -c '^Test' || true)
[ "$chosen" -gt 0 ] || { echo "torture.sh: no test is named for it" >&2; exit 1; }
lives=${LIVES:-1000}
life='^TestAnyLifeOfBookingsIsThatOfTheModel$'
echo "$chosen tests, $count times, then $lives lives of 100 steps, then random sequences $checks times"
go test -race -tags torture -shuffle on -count "$count" -p 2 -parallel 4 -timeout 60m -run "$which" "$@" ./...

# A life takes the database seconds, so fewer of these; each hundred has a new
# database, since the tables grow: after 650 in one, a life took four times as
# long.
while [ "$lives" -gt 0 ]; do
	some=$((lives < 100 ? lives : 100))
	echo "$lives lives to go"
	go test -tags torture -count 1 -timeout 60m -run "$life" ./booking -rapid.checks="$some"
	lives=$((lives - some))
done

# Only these know the flag.
random=$(go list -tags torture -f '{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$.ImportPath}}{{end}}{{end}} {{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{$.ImportPath}}{{end}}{{end}}' ./... | sort -u)
# $random is a list of words.
# shellcheck disable=SC2086
exec go test -tags torture -count 1 -p 2 -timeout 60m -skip "$life" $random -rapid.checks="$checks"
