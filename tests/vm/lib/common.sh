# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What every script of the VM tier shares: messages, the cache, and the end of all children.
# Sourced, never run.

vm_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
checkout=$(cd -- "$vm_dir/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/structopsd-vm

# Every kernel that the tier knows and the suite whose meta package names its current version.
declare -A kernel_suite=(
	[backports]=trixie-backports
	[trixie]=trixie
	[bookworm]=bookworm
)

# Module struct_ops came with Linux 6.9; bookworm's 6.1 cannot have the test module.
readonly kernels_with_module=(backports trixie)

readonly exit_skip=77

say() { printf 'vm: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
skip() { say "skipped: $*"; exit "$exit_skip"; }

# A child runs in the background and is waited for: bash handles a signal only between foreground
# commands, and a SIGTERM must not wait for a minute of mmdebstrap.
child=
run_child() {
	local rc=0
	"$@" &
	child=$!
	wait "$child" || rc=$?
	child=
	return "$rc"
}

tmp=
clean_up() {
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	if [ -n "$tmp" ]; then
		rm -rf --one-file-system "$tmp"
	fi
}

# Gives the shell a temporary folder inside the cache (a rename from there is atomic) that goes away
# with it, and makes it end its child first.
with_tmp() {
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# One builder at a time. Whatever tmp.* is there once we hold the lock was left behind by a killed one; a work-* that
# nobody has touched for a month belongs to a checkout that is gone.
lock_cache() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	if ! flock -n 9; then
		say "waiting for another build in $cache"
		flock 9
	fi
	find "$cache" -maxdepth 1 \( -name 'tmp.*' -o -name 'work-*' -mtime +30 \) -exec rm -rf --one-file-system {} +
}

# hash_of STRING|FILE…: 16 hex digits over the strings and over the contents of the arguments that are files.
hash_of() {
	local a
	for a in "$@"; do
		if [ -f "$a" ]; then
			sha256sum <"$a"
		else
			printf '%s\n' "$a"
		fi
	done | sha256sum | cut -c 1-16
}

# publish TMPDIR NAME: the finished folder gets its name in one step, so a name in the cache means complete.
# Only the two newest of a kind are kept: a state is 400 MB and kernels move on.
publish() {
	local from=$1 name=$2 kind=${2%-*} old
	mv -T "$from" "$cache/$name"
	touch "$cache/$name"
	find "$cache" -maxdepth 1 -regex ".*/$kind-[0-9a-f]*" -printf '%T@ %p\n' | sort -rn | tail -n +3 |
		while read -r _ old; do rm -rf --one-file-system "$old"; done
}

# fail_build WHAT LOG: the end of the log, and the likely cause when the disk is full.
fail_build() {
	local free
	tail -n 40 "$2" >&2
	free=$(df --output=avail -BM "$cache" | tail -n 1 | tr -dc 0-9)
	[ "$free" -ge 300 ] || say "only $free MB are free in $cache: the disk is full; nothing half-made is kept"
	die "building $1 failed"
}
