#!/bin/sh
# need.sh WHAT PROBE PACKAGE...
#
# If the shell command PROBE fails, installs the Debian packages, as root or by
# sudo without a password. Where that is not possible it says in one sentence
# what to type, and fails.
set -eu
what=$1 probe=$2
shift 2

works() { sh -c "$probe" >/dev/null 2>&1; }
works && exit 0

refuse() {
	echo "$what is needed: type 'apt-get update && apt-get install -y $*' as root, then try again." >&2
	exit 1
}
command -v apt-get >/dev/null 2>&1 || refuse "$@"
if [ "$(id -u)" = 0 ]; then
	root=''
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	root='sudo -n'
else
	refuse "$@"
fi

echo "Installing $what ($*)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# $root is either nothing or two words.
# shellcheck disable=SC2086
{
	$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 update &&
		$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
			install -y --no-install-recommends "$@"
} >"$log" 2>&1 </dev/null || {
	tail -n 20 "$log" >&2
	refuse "$@"
}
works || refuse "$@"
