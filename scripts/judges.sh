#!/bin/sh
# Lets validators that others wrote judge the open data and the calendars of a running server:
# the built program with its demo, on a PostgreSQL of its own in a temporary
# folder. SHORTBREAKS_JUDGES names the folder of what they judge by. It stops
# what it started, whatever happens.
set -eu
cd "$(dirname "$0")/.."
judges=$(cd "$SHORTBREAKS_JUDGES" && pwd)
unset SHORTBREAKS_JUDGES # no setting of the server
scripts/need.sh 'npm (for the validators)' 'command -v npm' npm
(cd scripts/judges && npm ci --ignore-scripts --no-audit --no-fund --silent)
CGO_ENABLED=0 go build -trimpath -o bin/shortbreaks ./cmd/shortbreaks

work=$(mktemp -d)
chmod 755 "$work" # the database runs as somebody else
server=
stop() {
	[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
address=http://127.0.0.1:$port
SHORTBREAKS_DATA=$work/data SHORTBREAKS_ADDR=127.0.0.1:$port SHORTBREAKS_METRICS_ADDR=127.0.0.1:0 SHORTBREAKS_PUBLIC_URL=$address \
	./bin/shortbreaks demo --scale "${JUDGED_SCALE:-12}" >"$work/log" 2>&1 &
server=$!

# ready: it serves, and what was published has reached the feeds.
ready() {
	curl -sf "$address/readyz" >/dev/null 2>&1 && curl -sf "$address/openactive/scheduled-sessions" 2>/dev/null | grep -q '"updated"'
}
tries=0
until ready; do
	tries=$((tries + 1))
	if [ "$tries" -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "the server did not come up:" >&2
		tail -20 "$work/log" >&2
		exit 1
	fi
	sleep 0.5
done

failed=0
# First, since the judge of feeds pauses an offer whose setting has a calendar.
mkdir "$work/calendars"
node scripts/judges/ical.js "$address" "$work/calendars" || failed=1
scripts/need.sh 'python3-icalendar' '/usr/bin/python3 -c "import icalendar"' python3-icalendar
/usr/bin/python3 scripts/judges/ical.py "$work/calendars" || failed=1
node scripts/judges/oruk.js "$address" "$judges" || failed=1
node scripts/judges/rpde.js "$address" || failed=1
mkdir "$work/lists"
node scripts/judges/model.js "$address" "$judges" "$work/lists" || failed=1
exit $failed
