# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The parts of a guest. Each part_X builds one folder of the cache, unless it is there, and prints its path.
# The name of a part ends in a hash over everything that it is made of, the functions that build it included.
#
#   root      base.cpio: trixie with systemd, which is the initramfs
#   kernel    vmlinuz, release, modules.cpio
#   chroot    a trixie with compilers and kernel headers
#   module    structops_testmod and its companions for one kernel
#   programs  BPF objects and small C programs of the tests
#   project   the checkout, installed by meson

readonly guest_packages=(
	systemd systemd-sysv udev kmod dbus procps iproute2 jq bpftool
	libbpf1 libelf1t64 libsystemd0 libinih1 libnettle8t64 libjansson4
)
readonly chroot_packages=(
	gcc make libc6-dev clang llvm meson ninja-build pkg-config pahole bpftool python3 file xz-utils
	libbpf-dev libelf-dev zlib1g-dev libsystemd-dev libinih-dev nettle-dev libjansson-dev libncurses-dev
)
# What tests may want; whatever a kernel lacks is left out.
readonly guest_modules=(
	virtio_pci virtio_console 9p 9pnet_virtio uhid hid hid-generic dummy veth slip sch_fq sch_ingress loop
)
readonly guest_release=trixie

# debian_root DIR PACKAGES…: mmdebstrap with what both roots have in common.
debian_root() {
	local dir=$1 include packages
	shift
	packages=("$@")
	include=$(IFS=,; echo "${packages[*]}")
	# In name spaces of its own: nothing stays mounted or running, however it ends.
	# bpftool from the backports knows the newest link types; 995 because a pin below 990 loses to the release.
	run_child unshare -m -p -f --mount-proc --kill-child \
		mmdebstrap --quiet --mode=root --variant=minbase --format=directory --include="$include" \
		--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--setup-hook='mkdir -p "$1"/etc/apt/preferences.d' \
		--setup-hook='printf "Package: bpftool\nPin: release n=trixie-backports\nPin-Priority: 995\n" >"$1"/etc/apt/preferences.d/structopsd' \
		"$guest_release" "$dir" "$(source_line "$guest_release")" "$(source_line "$guest_release-backports")"
}

# cpio_of DIR: a newc archive of DIR, as the kernel takes it, on stdout
cpio_of() { (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --reproducible --quiet -R 0:0); }

name_root() {
	echo "root-$(hash_of "$vm_dir"/guest/{configure,vm-run,vm-run.service,vm-shell.service} \
		"${guest_packages[*]}" "$(declare -f debian_root cpio_of build_root)")"
}

build_root() {
	local name=$1 log=$tmp/log out=$tmp/out
	say "building the guest's root file system"
	mkdir "$out"
	debian_root "$tmp/root" "${guest_packages[@]}" >"$log" 2>&1 || fail_build "the guest's root" "$log"
	"$vm_dir/guest/configure" "$tmp/root"
	cpio_of "$tmp/root" >"$out/base.cpio" || fail_build "the guest's root" "$log"
	rm -rf --one-file-system "$tmp/root"
	publish "$out" "$name"
}

name_kernel() {
	local k=$1
	echo "kernel-$k-$(hash_of "$(kernel_release "$k")" "$(kernel_version "$k")" \
		"${guest_modules[*]}" "$(declare -f copy_modules copy_module cpio_of build_kernel)")"
}

# The modules that tests want and what these need, unpacked: the guest has no time to do it.
copy_modules() {
	local from=$1 to=$2 rel=$3 m f
	depmod -b "$from" "$rel"
	mkdir -p "$to/usr/lib/modules/$rel"
	for m in "${guest_modules[@]}"; do
		modprobe -d "$from" -S "$rel" --show-depends "$m" 2>/dev/null || true
	done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r f; do
		copy_module "$f" "$to/usr/lib/modules/$rel/${f#*/lib/modules/"$rel"/}"
	done
	cp "$from/lib/modules/$rel"/modules.{builtin,builtin.modinfo,order} "$to/usr/lib/modules/$rel/"
	ln -s usr/lib "$to/lib"
	depmod -b "$to" "$rel"
	rm "$to/lib"
}

copy_module() {
	mkdir -p "$(dirname "$2")"
	case $1 in
	*.xz) xz -dc "$1" >"${2%.xz}" ;;
	*.zst) zstd -qdc "$1" >"${2%.zst}" ;;
	*) cp "$1" "$2" ;;
	esac
}

build_kernel() {
	local name=$1 k=$2 rel ver log=$tmp/log out=$tmp/out deb p
	rel=$(kernel_release "$k") ver=$(kernel_version "$k")
	say "fetching the kernel of $k: $rel"
	mkdir "$out" "$tmp/debs"
	for p in $(kernel_packages "$rel" "$ver"); do
		(cd "$tmp/debs" && run_child private_apt get -qq download "$p=$ver") >>"$log" 2>&1 ||
			fail_build "the kernel of $k" "$log"
	done
	for deb in "$tmp"/debs/*.deb; do
		run_child dpkg-deb -x "$deb" "$tmp/kernel" >>"$log" 2>&1 || fail_build "the kernel of $k" "$log"
	done
	# before the merge of / and /usr: /lib and /boot; after it: /usr/lib/modules/RELEASE/vmlinuz
	[ -e "$tmp/kernel/lib" ] || ln -s usr/lib "$tmp/kernel/lib"
	cp "$(find "$tmp/kernel/" -name vmlinuz -o -name "vmlinuz-$rel" | head -n 1)" "$out/vmlinuz"
	copy_modules "$tmp/kernel" "$tmp/modules" "$rel" >>"$log" 2>&1 || fail_build "the kernel of $k" "$log"
	cpio_of "$tmp/modules" >"$out/modules.cpio"
	echo "$rel" >"$out/release"
	rm -rf "$tmp/kernel" "$tmp/modules" "$tmp/debs"
	publish "$out" "$name"
}

header_packages() {
	local k
	for k in "${kernels_with_module[@]}"; do echo "linux-headers-$(kernel_release "$k")"; done
}

name_chroot() { echo "chroot-$(hash_of "${chroot_packages[*]}" "$(header_packages)" "$(declare -f debian_root build_chroot)")"; }

build_chroot() {
	local name=$1 log=$tmp/log
	local -a headers
	mapfile -t headers < <(header_packages)
	say "building the chroot with compilers and kernel headers"
	debian_root "$tmp/chroot" "${chroot_packages[@]}" "${headers[@]}" >"$log" 2>&1 ||
		fail_build "the build chroot" "$log"
	rm -rf "$tmp"/chroot/var/{cache/apt,lib/apt/lists}/*
	publish "$tmp/chroot" "$name"
}

# in_chroot WORKDIR COMMAND…: WORKDIR is /mnt and the current folder. /proc because objtool reads it.
# A mount name space of its own leaves nothing mounted; --kill-child leaves nothing running.
in_chroot() {
	# shellcheck disable=SC2016
	run_child unshare -m -p -f --kill-child sh -ec '
		root=$1 work=$2; shift 2
		mount -t proc proc "$root/proc"
		mount --bind "$work" "$root/mnt"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp \
			chroot "$root" sh -ec "cd /mnt; exec \"\$@\"" sh "$@"' sh "$cache/$(name_chroot)" "$@"
}

name_module() {
	echo "module-$1-$(hash_of "$(name_chroot)" "$(kernel_release "$1")" "$vm_dir"/module/* "$(declare -f build_module)")"
}

build_module() {
	local name=$1 k=$2 log=$tmp/log out=$tmp/out
	say "building the test module for $k"
	mkdir "$out"
	cp -r "$vm_dir/module" "$tmp/module"
	in_chroot "$tmp/module" make "KDIR=/lib/modules/$(kernel_release "$k")/build" >"$log" 2>&1 ||
		fail_build "the test module for $k" "$log"
	mv "$tmp"/module/*.ko "$out/"
	rm -rf "$tmp/module"
	publish "$out" "$name"
}

name_programs() {
	echo "programs-$(hash_of "$(name_chroot)" "$vm_dir"/bpf/* "$vm_dir"/tools/* "$checkout"/bpf/*.bpf.c "$checkout"/tests/bpf/* "$(declare -f build_programs)")"
}

build_programs() {
	local name=$1 log=$tmp/log
	say "building BPF objects and programs of the tests"
	mkdir -p "$tmp"/programs/{causes,shipped}
	cp -r "$vm_dir/bpf" "$vm_dir/tools" "$tmp/programs/"
	cp "$checkout"/bpf/*.bpf.c "$tmp/programs/shipped/"
	cp "$checkout"/tests/bpf/{causes*,mistake*,tcp.h} "$tmp/programs/causes/"
	in_chroot "$tmp/programs" make -f tools/Makefile OUT=out >"$log" 2>&1 ||
		fail_build "the programs of the tests" "$log"
	publish "$tmp/programs/out" "$name"
	rm -rf "$tmp/programs"
}
