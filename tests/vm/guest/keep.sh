# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The story of keep-fdstore and keep-pin: what the service manager does to the daemon, and what becomes of links.

. ./lib.sh

main_pid() { systemctl show -P MainPID structopsd.service; }
links() { echo "$(of tcp link_id) $(of module link_id)"; }
struct_ops_links() { bpftool -j link | jq '[.[] | select(.type == "struct_ops")] | length'; }
stored() { systemctl show -P NFileDescriptorStore structopsd.service; }
pins() { find /sys/fs/bpf/structopsd -type f 2>/dev/null | wc -l; }
records() { find /run/structopsd/state -type f 2>/dev/null | wc -l; }

# keep_links MODE: the setting, and two policies
keep_links() {
	mkdir -p /etc/structopsd/structopsd.conf.d
	printf '[Daemon]\nKeepLinks=%s\n' "$1" >/etc/structopsd/structopsd.conf.d/keep.conf
	testmod
	policy tcp <<-'P'
		[Object]
		Path=/vm/bpf/tcp.bpf.o
		Map=tcp
		[Fields]
		name = vm_kept
	P
	write_module_policy 5
}

write_module_policy() {
	policy module <<-P
		[Object]
		Path=/vm/bpf/basic.bpf.o
		[Fields]
		name = kept
		v_u32 = $1
	P
}

# replaced_by_another PID: another process serves, and both policies are attached
another_serves() {
	local now
	now=$(main_pid)
	[ "$now" != 0 ] && [ "$now" != "$1" ] && systemctl is-active -q structopsd.service &&
		state_is tcp attached && state_is module attached
}

# untouched WHAT COMMAND…: the daemon is another one afterwards, the links are the same and nobody saw one end
untouched() {
	local what=$1 before pid
	shift
	say "$what"
	before=$(links) pid=$(main_pid)
	"$@"
	wait_for 60 another_serves "$pid"
	is "links after: $what" "$(links)" "$before"
	is "reason after: $what" "$(of tcp reason)" adopted
	is "struct_ops links" "$(struct_ops_links)" 2
	is "hangups that a bare listener heard" "$(grep -c ' hup ' /tmp/uevents || true)" 0
}

crash() { kill -SEGV "$(main_pid)"; }

# As a package manager does it: the new file takes the old one's name, then the service is restarted.
upgrade() {
	local program
	program=$(command -v structopsd)
	cp "$program" "$program.new"
	mv "$program.new" "$program"
	systemctl daemon-reload
	systemctl restart structopsd.service
}

# the_story KEPT: the setting is made; KEPT is what "status" has to say of it
the_story() {
	local before pid
	daemon_start
	becomes tcp attached
	becomes module attached
	like "kept by" "$(of tcp kept)" "$1"
	# shellcheck disable=SC2046
	listen $(links)

	untouched "systemctl restart" systemctl restart structopsd.service
	untouched "a crash" crash
	untouched "an upgrade" upgrade

	say "a detachment is counted, and the count goes on after a restart"
	kill "$pid_uevents"
	bpftool link detach id "$(of tcp link_id)"
	wait_for 20 eval '[ "$(of tcp restarts)" = 1 ]'
	becomes tcp attached
	# shellcheck disable=SC2046
	listen $(links)
	untouched "systemctl restart after a detachment" systemctl restart structopsd.service
	is "restarts" "$(of tcp restarts)" 1

	say "a policy that changed while no daemon ran is brought in on the same link"
	before=$(links) pid=$(main_pid)
	write_module_policy 6
	systemctl restart structopsd.service
	wait_for 60 another_serves "$pid"
	wait_for 20 eval '[ "$(shown kept v_u32)" = 6 ]'
	becomes module attached
	is "links" "$(links)" "$before"

	say "one that ended meanwhile is noticed at once"
	before=$(of tcp link_id) pid=$(main_pid)
	systemctl kill -s STOP structopsd.service
	bpftool link detach id "$before"
	kill -KILL "$pid"
	wait_for 60 another_serves "$pid"
	[ "$(of tcp link_id)" != "$before" ] || fail "link $before is dead and called attached"

	say "systemctl stop takes all off and leaves nothing"
	systemctl stop structopsd.socket structopsd.service
	wait_for 20 eval '[ "$(struct_ops_links)" = 0 ]'
	is "descriptors in the store" "$(stored)" 0
	is "pins" "$(pins)" 0
	is "state files" "$(records)" 0
	before=$pid
	daemon_start
	becomes tcp attached
	becomes module attached
	is "reason" "$(of tcp reason)" boot
}
