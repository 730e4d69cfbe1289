# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the tests share. Sourced in the guest, by a test whose current folder is /vm.
# Every wait is for a condition, with a generous limit: the guest is emulated and its host may be busy.

set -euo pipefail
set -E	# the ERR trap holds in functions too

trap 'echo "FAIL: line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR

readonly knobs=/sys/kernel/debug/structops_testmod

say() { echo "# $*"; }
fail() { echo "FAIL: $*"; trap - ERR; exit 1; }
skip() { echo "skip: $*"; trap - ERR; exit 77; }

# is WHAT GOT WANTED
is() {
	[ "$2" = "$3" ] || fail "$1 is '$2', wanted '$3'"
}

# like WHAT GOT PATTERN (extended regular expression)
like() {
	[[ $2 =~ $3 ]] || fail "$1 is '$2', wanted something like '$3'"
}

# has WHAT GOT TEXT (a part, as it stands)
has() {
	[[ $2 == *"$3"* ]] || fail "$1 is '$2', wanted '$3' in it"
}

# status_of COMMAND…: prints its exit status, not its output
status_of() {
	local status=0
	"$@" >/dev/null 2>&1 || status=$?
	echo "$status"
}

# wait_for SECONDS COMMAND…: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "waited in vain for: $*"
		sleep 0.05
	done
}

# fails COMMAND…: succeeds if it fails; its output is in $said, its status in $status
fails() {
	status=0
	said=$("$@" 2>&1) || status=$?
	[ "$status" != 0 ] || fail "succeeded, but should have failed: $*"
}

kernel_at_least() { [ "$(printf '%s\n%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ]; }

# --- the test module -------------------------------------------------------------------------------------------

# testmod [NAME]: loads structops_testmod, or a companion of it
testmod() { insmod "module/${1:-structops_testmod}.ko"; }

# knob FILE TEXT: writes one of the module's debugfs files
knob() { echo "$2" >"$knobs/$1"; }

# shown INSTANCE MEMBER: what the kernel's copy holds
shown() { awk -v i="[$1]" -v m="$2" '/^\[/ { here = $1 == i } here && $1 == m { sub(/^[^=]*= ?/, ""); print }' "$knobs/show"; }

# called INSTANCE OPERATOR [ARGUMENTS…]: the kernel calls the operator; prints its result
called() { echo "$*" >"$knobs/call" && cat "$knobs/call"; }

# --- a plain libbpf loader: the bed without the daemon --------------------------------------------------------------

# hold NAME OBJECT [OPTIONS…]: starts bin/hold in the background; its words go to /tmp/NAME
hold() {
	local name=$1
	shift
	bin/hold "$@" >"/tmp/$name" 2>&1 &
	eval "pid_$name=$!"
}

# --- the daemon ----------------------------------------------------------------------------------------------------

readonly policies=/etc/structopsd/policies.d

ctl() { structopsctl "$@"; }

# policy NAME: writes a policy from stdin
policy() {
	mkdir -p "$policies"
	cat >"$policies/$1.policy"
}

daemon_start() { systemctl start structopsd.service; }

# of NAME MEMBER: a member of "status --json NAME"; a jq path without its first dot.
# "status" exits with 3 for what is not attached, which is no failure here.
of() {
	{ ctl --json status "$1" 2>/dev/null || true; } | jq -r ".policies[0] | .$2"
}

# state_is NAME STATE, for wait_for
state_is() { [ "$(of "$1" state)" = "$2" ]; }

# becomes NAME STATE [SECONDS]: waits for the state
becomes() {
	local end=$((SECONDS + ${3:-20}))
	until state_is "$1" "$2"; do
		if [ $SECONDS -ge $end ]; then
			ctl status "$1" || true
			fail "$1 did not become $2"
		fi
		sleep 0.05
	done
}
