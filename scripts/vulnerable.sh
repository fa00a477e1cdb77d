#!/bin/sh
# Looks for known vulnerabilities in what the program calls: govulncheck over its own
# code and all modules. A finding ends with status 1 unless scripts/vulnerable.txt lists
# it with a reason and a date. Where the tool or its database cannot be had, it says so
# and ends with status 0: a closed network must not stop work, and must not look like a
# clean result either.
set -u
cd "$(dirname "$0")/.."

GO=${GO:-go}
TOOL=${VULNERABLE_TOOL:-"$GO run golang.org/x/vuln/cmd/govulncheck@v1.8.0"}
LISTED=${VULNERABLE_LISTED:-scripts/vulnerable.txt}
TODAY=$(date -u +%Y-%m-%d)

skipped() {
	echo "==================================================================" >&2
	echo "NOT CHECKED for known vulnerabilities: $1" >&2
	echo "Run scripts/vulnerable.sh where proxy.golang.org and vuln.go.dev" >&2
	echo "can be reached, at the latest before a release." >&2
	echo "==================================================================" >&2
	exit 0
}

out=$(mktemp) err=$(mktemp)
trap 'rm -f "$out" "$err"' EXIT

# The openvex report names every vulnerability once, with whether our code is affected.
timeout "${VULNERABLE_TIME:-300}" $TOOL -format openvex ./... >"$out" 2>"$err"
status=$?
if [ $status -ne 0 ]; then
	tail -n 3 "$err" >&2
	case $status in
	124) skipped "it took too long" ;;
	esac
	# What cannot be fetched is no fault of this code; whatever else goes wrong is.
	if grep -Eq 'vuln\.go\.dev|dial tcp|no such host|lookup |connection refused|i/o timeout|Forbidden|proxyconnect|not available|TLS handshake|unrecognized import|status code|bad status' "$err"; then
		skipped "the tool or its database cannot be reached"
	fi
	echo "the check for known vulnerabilities failed" >&2
	exit 1
fi

# Lines of the list: id, date until which it is accepted, reason.
bad=0
for id in $(tr -d ' \n\t' <"$out" | sed 's/"vulnerability":/\n&/g' | grep '"status":"affected"' | grep -Eo 'GO-[0-9]{4}-[0-9]+' | sort -u); do
	line=$(grep -E "^$id[[:space:]]+[0-9]{4}-[0-9]{2}-[0-9]{2}[[:space:]]+[^[:space:]]" "$LISTED" 2>/dev/null | head -n 1)
	until=$(echo "$line" | awk '{print $2}')
	if [ -z "$line" ]; then
		echo "$id affects this program: https://pkg.go.dev/vuln/$id" >&2
		bad=1
	elif [ "$(printf '%s\n%s\n' "$TODAY" "$until" | sort | head -n 1)" != "$TODAY" ]; then
		echo "$id was accepted until $until: decide again (https://pkg.go.dev/vuln/$id)" >&2
		bad=1
	else
		echo "$line" | sed 's/^/accepted: /'
	fi
done
[ $bad -eq 0 ] || exit 1
echo "no known vulnerability affects this program, beyond those that are listed"
