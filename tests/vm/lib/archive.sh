# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Debian's archive: which mirror, which kernel versions, and downloads that apt has verified.
# A private apt state lives in the cache, so that the host's own sources are neither used nor changed.

readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg
readonly versions_max_age_days=7

# The mirror that this machine uses for its own release: no archive host is written anywhere.
own_mirror() {
	local codename
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	apt-get indextargets --format '$(SITE)' "Codename: $codename" | sort -u | head -n 1
}

mirror() {
	local site=${STRUCTOPSD_VM_MIRROR:-$(own_mirror)}
	[ -n "$site" ] ||
		skip "apt knows no Debian archive (run 'apt-get update', or set STRUCTOPSD_VM_MIRROR)"
	echo "$site"
}

# source_line SUITE
source_line() { echo "deb [signed-by=$keyring] $(mirror) $1 main"; }

write_apt_config() {
	local apt=$cache/apt suite
	mkdir -p "$apt"/etc/preferences.d "$apt"/etc/apt.conf.d "$apt"/state/lists/partial "$apt"/cache/archives/partial
	: >"$apt/status"
	for suite in "${kernel_suite[@]}"; do source_line "$suite"; done >"$apt/etc/sources.list"
	cat >"$apt/apt.conf" <<-CONF
		APT::Architecture "amd64";
		APT::Architectures "amd64";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::Etc "$apt/etc";
		Dir::State "$apt/state";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt/cache";
	CONF
}

private_apt() { local tool=$1; shift; APT_CONFIG=$cache/apt/apt.conf "apt-$tool" "$@"; }

# Prints the version of PACKAGE in SUITE.
version_in() {
	private_apt cache madison "$1" | awk -F ' *[|] *' -v suite="$2/main" '$3 ~ " " suite " " { print $2; exit }'
}

# Prints "KERNEL RELEASE PACKAGE-VERSION" for each kernel: RELEASE is what the meta package depends on.
resolve_versions() {
	local kernel version release
	for kernel in "${!kernel_suite[@]}"; do
		version=$(version_in linux-image-amd64 "${kernel_suite[$kernel]}")
		release=$(private_apt cache show "linux-image-amd64=$version" |
			sed -n 's/^Depends:.*linux-image-\([0-9][^ ]*\).*/\1/p' | head -n 1)
		[ -n "$release" ] || return 1
		echo "$kernel $release $version"
	done | sort
}

# Asks the archive for the current versions. $cache/versions stays as it was when that fails.
refresh_versions() {
	local log=$tmp/apt.log
	write_apt_config
	run_child private_apt get -qq -o APT::Update::Error-Mode=any update >"$log" 2>&1 || {
		cat "$log" >&2
		return 1
	}
	resolve_versions >"$tmp/versions" && mv "$tmp/versions" "$cache/versions"
}

versions_are_fresh() { [ -n "$(find "$cache/versions" -mtime "-$versions_max_age_days" 2>/dev/null)" ]; }

# kernel_release KERNEL, kernel_version KERNEL: the fields of its line in $cache/versions
kernel_release() { awk -v k="$1" '$1 == k { print $2 }' "$cache/versions"; }
kernel_version() { awk -v k="$1" '$1 == k { print $3 }' "$cache/versions"; }

# Prints the packages that hold kernel and modules: newer Debian kernels come in two parts.
kernel_packages() {
	local image=linux-image-$1
	# not -q: apt would be ended by SIGPIPE now and then, and pipefail makes that a "no"
	if private_apt cache show "$image=$2" | grep "^Depends:.*linux-binary-$1" >/dev/null; then
		echo "linux-binary-$1" "linux-modules-$1"
	else
		echo "$image"
	fi
}
