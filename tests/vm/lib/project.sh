# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The checkout as a user would have it: what git knows and what it does not ignore, built in the chroot,
# installed with DESTDIR.

project_exists() { [ -f "$checkout/meson.build" ]; }

# Null-separated. Without the tests: they are not part of the installation, need not be compiled here, and editing one
# rebuilds nothing.
project_files() {
	# the checkout may belong to somebody else than root
	git -c "safe.directory=$checkout" -C "$checkout" ls-files -coz --exclude-standard -- . ':(exclude)tests' |
		while IFS= read -r -d '' f; do
			[ ! -f "$checkout/$f" ] || printf '%s\0' "$f"
		done
}

name_project() {
	local sum
	sum=$(cd "$checkout" && project_files | LC_ALL=C sort -z | xargs -0r sha256sum | sha256sum | cut -c 1-16)
	echo "project-$(hash_of "$sum" "$(name_chroot)" "$vm_dir/lib/project.sh")"
}

# The build folder stays from run to run, one a checkout: with the files' own times, ninja compiles only what changed.
prepare_work() {
	local work=$1 stamp
	stamp=$(name_chroot)-$(hash_of "$vm_dir/lib/project.sh")
	[ "$(cat "$work/stamp" 2>/dev/null)" = "$stamp" ] || rm -rf "$work"
	rm -rf "$work/src" "$work/out"
	mkdir -p "$work/src"
	echo "$stamp" >"$work/stamp"
	(cd "$checkout" && project_files | tar --null -T - -cf -) | tar -C "$work/src" --no-same-owner -xf -
	mkdir "$work/src/tests"
	: >"$work/src/tests/meson.build"	# what is not in this copy
}

build_project() {
	local name=$1 log=$tmp/log work
	work=$cache/work-$(hash_of "$checkout")
	say "building the project"
	prepare_work "$work"
	# shellcheck disable=SC2016
	in_chroot "$work" sh -ec '
		[ -e build/build.ninja ] ||
			meson setup --prefix=/usr --sysconfdir=/etc --localstatedir=/var -Db_ndebug=false build src
		nice ninja -C build
		DESTDIR=/mnt/out meson install --no-rebuild --quiet -C build
	' >"$log" 2>&1 || fail_build "the project" "$log"
	enable_units "$work/out"
	mkdir "$tmp/out"
	mv "$work/out" "$tmp/out/root"
	publish "$tmp/out" "$name"
}

# What "systemctl enable" would do, for a boot in which the unit is already enabled.
enable_units() {
	local system=$1/usr/lib/systemd/system unit want
	for unit in structopsd.service structopsd.socket; do
		[ -f "$system/$unit" ] || continue
		want=$(sed -n 's/^WantedBy=//p' "$system/$unit")
		for want in ${want:-multi-user.target}; do
			mkdir -p "$1/etc/systemd/system/$want.wants"
			ln -sf "/usr/lib/systemd/system/$unit" "$1/etc/systemd/system/$want.wants/$unit"
		done
	done
}
