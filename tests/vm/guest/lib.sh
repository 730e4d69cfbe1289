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
	rm -f "/tmp/$name"
	bin/hold "$@" >"/tmp/$name" 2>&1 &
	eval "pid_$name=$!"
}

# held NAME: waits until what hold() started is attached; prints the link's id
held() {
	local pid=pid_$1
	wait_for 60 eval "grep -qs ^attached '/tmp/$1' || [ ! -e '/proc/${!pid}/exe' ]"
	sed -n 's/^attached link=\([0-9]*\).*/\1/p' "/tmp/$1" | grep . || fail "hold: $(tail -n 20 "/tmp/$1")" >&2
}

# release NAME: ends it, and with it the attachment
release() {
	local pid=pid_$1
	kill "${!pid}"
	wait "${!pid}" || true
}

# global OBJECT SECTION NAME: a global variable of the object that was loaded last, as JSON; texts as such
global() {
	bpftool -j map dump id "$(last_map "${1:0:8}.$2")" | jq --arg section ".$2" --arg name "$3" '
		def text: (index(0) // length) as $end | .[:$end] | implode;
		.[0].formatted.value[$section][] | .[$name] // empty |
		walk(if type == "array" and length > 1 and all(type == "number") then text else . end)'
}

# last_map NAME: id of the newest map of that name
last_map() { bpftool -j map | jq -r --arg name "$1" 'map(select(.name == $name)) | max_by(.id).id // empty'; }

# --- sched_ext -----------------------------------------------------------------------------------------------------

readonly scx=/sys/kernel/sched_ext

scx_state() { cat $scx/state; }
scx_seq() { cat $scx/enable_seq; }
# scx_ops: name of the scheduler that runs; nothing if none does
scx_ops() { cat $scx/root/ops 2>/dev/null || true; }
# scx_runs NAME, scx_off: for wait_for
scx_runs() { [ "$(scx_state) $(scx_ops)" = "enabled $1" ]; }
scx_off() { [ "$(scx_state)" = disabled ] && [ ! -e $scx/root ]; }

# kick error|restart|exit|starve: what the newest scx_test does with the next task that wakes up
kick() {
	local -A kinds=([error]=1 [restart]=2 [exit]=3 [starve]=4)
	bpftool map update id "$(last_map kick)" key 0 0 0 0 value "${kinds[$1]}" 0 0 0
}

# stall: starts a task that scx_test never runs; its pid is in $pid_victim
stall() {
	cp /usr/bin/yes /tmp/victim
	/tmp/victim >/dev/null &
	pid_victim=$!
}

# sysrq_s: the operator ends whatever scheduler there is
sysrq_s() { echo S >/proc/sysrq-trigger; }

# cpu_off N, cpu_on N
cpu_off() { echo 0 >"/sys/devices/system/cpu/cpu$1/online"; }
cpu_on() { echo 1 >"/sys/devices/system/cpu/cpu$1/online"; }

# left_off NAME, since then NAME's story: what happened to it. goes NAME "STATE STATE …" [SECONDS] waits until it became
# exactly that; first NAME MEMBER is of its first event.
left_off() { eval "seq_${1//[^a-zA-Z0-9]/_}=$(events_of "$1" | jq 'last.seq // 0')"; }
story() { local seq=seq_${1//[^a-zA-Z0-9]/_}; events_of "$1" | jq --argjson seq "${!seq}" 'map(select(.seq > $seq))'; }
story_is() { [ "$(story "$1" | jq -r 'map(.to) | join(" ")')" = "$2" ]; }
goes() {
	local end=$((SECONDS + ${3:-30}))
	until story_is "$1" "$2"; do
		if [ $SECONDS -ge $end ]; then
			ctl status "$1" || true
			fail "$1 did not go: $2, but: $(story "$1" | jq -r 'map(.to) | join(" ")')"
		fi
		sleep 0.05
	done
}
first() { story "$1" | jq -r ".[0].$2"; }

# suspend SECONDS: suspends the machine to RAM; the clock wakes it. The port to the host would not survive that: it is taken
# away and put back, and what is said meanwhile is said then.
suspend() {
	local driver=/sys/bus/virtio/drivers/virtio_console device
	device=$(basename "$(readlink -f $driver/virtio*)")
	exec >/tmp/suspended 2>&1
	echo "$device" >$driver/unbind
	rtcwake -m mem -s "$1" || true
	echo "$device" >$driver/bind
	wait_for 20 eval 'compgen -G "/dev/vport*" >/dev/null'
	exec >"$(compgen -G "/dev/vport*")" 2>&1
	cat /tmp/suspended
}

# --- HID devices that are not there --------------------------------------------------------------------------------
#
# A device is called by its name, of one word; more than one can be plugged in at a time.

# hid_device NAME: its sysfs name (0003:1209:0001.0007); nothing if it is not there
hid_device() {
	local file
	for file in $(grep -lx "HID_NAME=$1" /sys/bus/hid/devices/*/uevent 2>/dev/null); do
		basename "$(dirname "$file")"
	done
}
hid_present() { [ -n "$(hid_device "$1")" ]; }
hid_absent() { ! hid_present "$1"; }
hid_bound() { [ -e "/sys/bus/hid/devices/$(hid_device "$1")/driver" ]; }
hid_raw() { ls "/sys/bus/hid/devices/$(hid_device "$1")/hidraw" 2>/dev/null; }
# hid_id NAME: what the member hid_id must be for it
hid_id() { local device; device=$(hid_device "$1") && echo $((16#${device##*.})); }
hid_devpath() { readlink -f "/sys/bus/hid/devices/$(hid_device "$1")" | sed 's:^/sys::'; }
# hid_ready NAME: the driver has it, and there is a hidraw node of it
hid_ready() { hid_bound "$1" && [ -c "/dev/$(hid_raw "$1")" ]; }

# hid_tell NAME WORDS…: see tools/uhid.c
hid_tell() { echo "${@:2}" >"/tmp/uhid.$1.orders"; }

# hid_plug NAME [BUS VENDOR PRODUCT]: plugs a keyboard in, the first time and after hid_unplug; waits for its driver
hid_plug() {
	local name=$1 orders=/tmp/uhid.$1.orders
	if [ -p "$orders" ]; then
		hid_tell "$name" plug
	else
		modprobe -a uhid hid-generic
		mkfifo "$orders"
		bin/uhid "${2:-0003}" "${3:-1209}" "${4:-0001}" "$name" "$orders" >"/tmp/uhid.$name" 2>&1 &
	fi
	wait_for 20 hid_ready "$name"
}

hid_unplug() { hid_tell "$1" unplug; wait_for 20 hid_absent "$1"; }
hid_unbind() { hid_device "$1" >/sys/bus/hid/drivers/hid-generic/unbind; }
hid_bind() { hid_device "$1" >/sys/bus/hid/drivers/hid-generic/bind; wait_for 20 hid_ready "$1"; }

# hid_sends NAME HEX…: the device sends a report; prints the one that arrives, as hex digits
hid_sends() {
	local name=$1 node
	shift
	exec {node}<"/dev/$(hid_raw "$name")"
	hid_tell "$name" report "$@"
	timeout 20 dd bs=64 count=1 status=none <&"$node" | od -An -v -tx1 | tr -d ' \n'
	exec {node}<&-
}

# --- who says what, and when ---------------------------------------------------------------------------------------

# on_one_cpu: the daemon runs where those run that it is compared with. The emulator gives each CPU a turn of up to 100 ms
# while the other one stands still, so between two of them there is no "at the same time".
on_one_cpu() {
	mkdir -p /run/systemd/system/structopsd.service.d
	printf '[Service]\nCPUAffinity=0\n' >/run/systemd/system/structopsd.service.d/cpu.conf
	systemctl daemon-reload
}

# listen [LINK…]: a bare listener to uevents and links: /tmp/uevents, see tools/uevents.c
listen() {
	rm -f /tmp/uevents
	taskset -c 0 bin/uevents "$@" >/tmp/uevents 2>&1 &
	pid_uevents=$!
	wait_for 20 grep -qs ^listening /tmp/uevents
}

# heard ACTION DEVPATH|LINK: microseconds of the last such line; nothing if there is none
heard() { awk -v a="$1" -v d="$2" '$2 == a && $3 == d { usec = $1 } END { if (usec) print usec }' /tmp/uevents; }
was_heard() { [ -n "$(heard "$@")" ]; }

# monitor: the daemon's events go to /tmp/monitor from now on. Those of instances that are gone are there only.
monitor() {
	structopsctl --json monitor >/tmp/monitor &
	pid_monitor=$!
	# Once it has subscribed, and not before, it waits by epoll_wait, epoll_pwait or epoll_pwait2.
	wait_for 20 grep -qE '^(232|281|441) ' "/proc/$pid_monitor/syscall"
	{ structopsctl --json status || true; } | jq -c '.policies[].events[]' >/tmp/monitor.before
}

# events_of NAME: the daemon's events, a JSON array
events_of() {
	{ of "$1" events; cat /tmp/monitor.before /tmp/monitor 2>/dev/null || true; } |
		jq -s --arg name "$1" 'map(arrays[], objects) | map(select(.policy == $name)) | unique_by(.seq)'
}

# steps_of NAME: "loading attached …", what it became
steps_of() { events_of "$1" | jq -r 'map(.to) | join(" ")'; }

# noted NAME TO: microseconds at which the daemon noted that NAME became TO, the last time
noted() { events_of "$1" | jq --arg to "$2" 'map(select(.to == $to)) | last.monotonic_usec // empty'; }

# left NAME [STATE]: microseconds at which the daemon noted that NAME was no longer STATE (attached), the last time
left() {
	events_of "$1" | jq --arg from "${2:-attached}" 'map(select(.from == $from)) | last.monotonic_usec // empty'
}

# told NAME: what the daemon called it, and when
told() { events_of "$1" | jq -r '.[] | "\(.monotonic_usec) daemon \(.to)"'; }

# lag NAME ACTION DEVPATH|LINK: microseconds from the listener's knowing to the daemon's; says it, too, on stderr
lag() {
	local noted heard
	noted=$(left "$1") heard=$(heard "$2" "$3")
	[ -n "$noted" ] && [ -n "$heard" ] || fail "$1: noted '$noted', heard '$heard'"
	say "$1: $2 $3: the daemon noted it $((noted - heard)) us after a bare listener" >&2
	echo $((noted - heard))
}

# watch_truth NAME FILE [CONTENT]: looks at sysfs every 10 ms from now on whether the kernel uses NAME: tools/truth.c
watch_truth() {
	local name=$1
	shift
	rm -f "/tmp/truth.$name"
	taskset -c 0 bin/truth "$@" >"/tmp/truth.$name" 2>&1 &
	eval "pid_truth_${name//[^a-zA-Z0-9]/_}=$!"
	wait_for 20 grep -qs used "/tmp/truth.$name"
}

# never_lied NAME: ends it. Fails if NAME was called attached while the kernel did not use it, for longer than a look
# (10 ms) or, on a busy host, than the reader itself was once kept waiting for one (but no longer than half a second).
# The daemon's word is its history.
never_lied() {
	local name=$1 pid=pid_truth_${1//[^a-zA-Z0-9]/_} longest grace
	kill "${!pid}"
	wait "${!pid}" || true
	told "$name" >"/tmp/told.$name"
	longest=$(sort -sn "/tmp/truth.$name" "/tmp/told.$name" | awk '
		function check() { if (told == "attached" && kernel == "unused" && $1 - since > longest) longest = $1 - since }
		{ check() }
		$2 == "daemon" && $3 != told { told = $3; since = $1 }
		($2 == "used" || $2 == "unused") && $2 != kernel { kernel = $2; since = $1 }
		END { print longest + 0 }')
	say "$name: called attached while the kernel did not use it for at most $longest us;" \
		"$(sed -n 's/.* end //p' "/tmp/truth.$name")"
	grace=$(sed -n 's/.* longest=//p' "/tmp/truth.$name")
	[ "$grace" -ge 10000 ] || grace=10000
	[ "$grace" -le 500000 ] || grace=500000
	[ "$longest" -le "$grace" ] || fail "$name was called attached for $longest us while the kernel did not use it"
}

# flood N: so many uevents of no meaning, faster than a process can take that does not run
flood() {
	local i
	for ((i = 0; i < $1; i++)); do
		echo change
	done >/sys/devices/virtual/mem/null/uevent
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
