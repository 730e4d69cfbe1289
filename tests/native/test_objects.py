#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Object files: what cannot be loaded, what must not be loaded, and which of its maps is attached."""

import hashlib
import os
import struct

import native
from native import NativeTest, algorithm, find_object, kernel

EM_X86_64 = 62


def with_machine(content: bytes, machine: int) -> bytes:
    return content[:18] + struct.pack("<H", machine) + content[20:]


class BadObjects(NativeTest):
    """Each: failed, load-failed, no retry, a sentence that names the file and says what to do."""

    def check(self, write, *parts, object_=(), **policy):
        """write(d) puts the object there and gives its path."""
        d = self.daemon()
        path = write(d)
        d.policy("bad", "bad", object_=object_, **policy)
        d.policy("good")
        d.start()
        row = d.status("bad")
        self.assert_state(row, "failed", "load-failed", str(path), *parts)
        self.assertEqual(row["restarts"], 0)
        self.assertEqual([e["to"] for e in row["events"]], ["loading", "failed"], "no retry")
        self.assertIsNone(row["link_id"])
        self.assert_attached(d, "good")
        self.assertEqual(d.ctl("status", "bad").status, 3)
        result = d.ctl("restart", "bad")
        self.assertEqual(result.status, 1)
        self.assert_says(result.err, "bad: failed", str(path), *parts)
        self.end_daemon(d)

    def as_content(self, content):
        return lambda d: d.object("bad", content=content)

    def as_copy(self, name):
        return lambda d: d.object(name, "bad.bpf.o")

    def good_bytes(self):
        return find_object("values").read_bytes()

    def test_missing(self):
        def nothing(d):
            (d.objects / "bad.bpf.o").symlink_to("nowhere")
            return "bad.bpf.o"

        self.check(nothing, "not found", "looked in", "Path=")

    def test_missing_where_the_path_is_absolute(self):
        d = self.daemon()
        d.policy("bad", "/nonexistent/x.bpf.o")
        d.start()
        self.assert_state(d.status("bad"), "failed", "load-failed", "/nonexistent/x.bpf.o", "No such file")

    def test_empty(self):
        self.check(self.as_content(b""), "is empty", "Copy it again")

    def test_truncated(self):
        content = self.good_bytes()
        for size in (10, 60, len(content) // 2, len(content) - 1):
            with self.subTest(size):
                self.check(self.as_content(content[:size]), "truncated", "Copy it again")

    def test_no_elf(self):
        self.check(self.as_content(b"#!/bin/sh\necho hello\n" * 20), "not an ELF file")

    def test_elf_of_another_machine(self):
        self.check(self.as_content(with_machine(self.good_bytes(), EM_X86_64)), "not a BPF object", "-target bpf")

    def test_other_endianness(self):
        self.check(self.as_copy("endian"), "endian", "-target bpf")

    def test_no_btf(self):
        self.check(self.as_copy("no-btf"), "no BTF", "clang -g")

    def test_no_struct_ops_map(self):
        self.check(self.as_copy("no-maps"), "no struct_ops map", ".struct_ops.link")

    def test_several_maps_and_no_map_setting(self):
        self.check(self.as_copy("maps"), "name the one to attach in [Object] Map=", "first", "second")

    def test_unknown_map(self):
        self.check(self.as_copy("maps"), '"secnod"', "did you mean second?", object_=["Map=secnod"])

    def test_damaged_inside(self):
        content = bytearray(self.good_bytes())
        place = content.index(b"\x9f\xeb\x01\x00")  # the header of .BTF
        content[place + 8 : place + 24] = b"\xff" * 16
        self.check(self.as_content(bytes(content)), "libbpf", "cannot open object", "missing or corrupted")

    def test_a_folder(self):
        def folder(d):
            (d.objects / "bad.bpf.o").mkdir()
            return d.objects / "bad.bpf.o"

        self.check(folder, "is a folder")

    def test_a_fifo(self):
        def fifo(d):
            os.mkfifo(d.objects / "bad.bpf.o")
            return d.objects / "bad.bpf.o"

        self.check(fifo, "is a FIFO")

    def test_owned_by_another_user(self):
        def write(d):
            path = d.object("values", "bad.bpf.o")
            os.chown(path, 65534, 0)
            return path

        self.check(write, "owned by user 65534", "chown root")

    def test_writable_by_group_or_others(self):
        for mode in (0o664, 0o646):
            with self.subTest(oct(mode)):

                def write(d, mode=mode):
                    path = d.object("values", "bad.bpf.o")
                    path.chmod(mode)
                    return path

                self.check(write, f"mode {mode:04o}", "chmod go-w")

    def other_folder(self, d):
        folder = d.folder / "other" / "deeper"
        folder.mkdir(parents=True)
        path = folder / "bad.bpf.o"
        path.write_bytes(self.good_bytes())
        (d.objects / "bad.bpf.o").symlink_to(path)
        return path

    def test_in_a_folder_that_others_may_write_also_behind_a_link(self):
        def write(d):
            path = self.other_folder(d)
            path.parent.parent.chmod(0o777)
            return path

        self.check(write, "lies below", "/other", "mode 0777", "chmod go-w")

    def test_in_a_folder_of_another_user(self):
        def write(d):
            path = self.other_folder(d)
            os.chown(path.parent, 65534, 0)
            return path

        self.check(write, "which user 65534 owns", "move the object")

    def test_another_digest(self):
        self.check(self.as_content(self.good_bytes()), "SHA256=", "0" * 64, object_=["SHA256=" + "0" * 64])

    def test_a_type_that_the_kernel_lacks(self):
        self.check(self.as_copy("maps"), '"sched_ext_ops"', os.uname().release, "Map=", object_=["Map=scheduler"])

    def test_a_type_that_a_module_may_bring(self):
        d = self.daemon()
        d.policy("a", "maps", object_=["Map=imagined"])
        d.start()
        self.assert_state(d.status("a"), "waiting", "load-failed", '"t_imagined_ops"', os.uname().release)
        self.assertIsNone(d.status("a")["next_attempt_usec"])

    def test_a_kernel_function_that_the_kernel_lacks(self):
        self.check(self.as_copy("kfunc"), "t_imagined_kfunc", os.uname().release)

    def test_an_operator_that_the_kernel_demands(self):
        d = self.daemon()
        d.policy("a", "maps", object_=["Map=unfinished"])
        d.start()
        self.assert_state(d.status("a"), "failed", "load-failed", '"unfinished"', "a required operator is missing")


class GoodObjects(NativeTest):
    def test_the_digest_that_was_demanded_is_that_of_what_runs(self):
        d = self.daemon()
        digest = hashlib.sha256(find_object("values").read_bytes()).hexdigest()
        d.policy("a", object_=[f"SHA256={digest.upper()}"])
        d.start()
        self.assertEqual(self.assert_attached(d, "a")["digest"], digest)

    def test_below_a_sticky_folder_it_may_lie(self):
        d = self.daemon()
        d.objects.chmod(0o1777)
        d.policy("a")
        d.start()
        self.assert_attached(d, "a")

    def test_an_absolute_path_needs_no_object_path(self):
        d = self.daemon()
        path = d.object("values")
        d.policy("a", str(path))
        d.start(more=["--object-path", "/nonexistent"])
        self.assertEqual(self.assert_attached(d, "a")["object"], str(path))


class Maps(NativeTest):
    def attach(self, name, *object_, obj="maps", **policy):
        d = self.daemon()
        d.policy(name, obj, object_=object_, **policy)
        d.start()
        return d, self.assert_attached(d, name)

    def test_the_one_that_is_named(self):
        d, row = self.attach("a", "Map=second")
        self.assertEqual((row["map"], row["type"]), ("second", "tcp_congestion_ops"))
        names = {data["name"] for data in kernel.struct_ops().values()}
        self.assertNotIn("t_first", names, "only the chosen map is made")

    def test_two_policies_of_one_object_side_by_side(self):
        d = self.daemon()
        d.policy("a", "maps", object_=["Map=first"])
        d.policy("b", "maps", object_=["Map=second"])
        d.start()
        self.assertNotEqual(self.assert_attached(d, "a")["map_id"], self.assert_attached(d, "b")["map_id"])

    def test_plain_struct_ops_is_attached_with_a_link(self):
        _, row = self.attach("a", "Map=plain")
        self.assertIn(row["link_id"], kernel.links())
        self.assert_says(" ".join(row["notes"]), '"plain"', "the flag was turned on")

    def test_an_optional_section(self):
        _, row = self.attach("a", "Map=optional")
        self.assertEqual(row["map"], "optional")

    def test_alternatives_the_first_that_the_kernel_takes(self):
        d, row = self.attach("a", "Map=imagined wide second first")
        self.assertEqual(row["map"], "second")
        notes = " ".join(row["notes"])
        self.assert_says(notes, "imagined", "wide")

    def test_the_first_alternative_where_it_does(self):
        _, row = self.attach("a", "Map=aimd aimd___v1", obj="tcp_aimd")
        self.assertEqual((row["map"], row["type"]), ("aimd", "tcp_congestion_ops"))

    def test_a_suffix_is_not_the_kernels(self):
        _, row = self.attach("a", "Map=aimd___v1", obj="tcp_aimd")
        self.assertEqual((row["map"], row["type"]), ("aimd___v1", "tcp_congestion_ops"))

    def test_no_alternative_fits(self):
        d = self.daemon()
        d.policy("a", "maps", object_=["Map=imagined wide"])
        d.start()
        self.assert_state(d.status("a"), "waiting", "load-failed", "imagined", "wide")

    def test_fields_of_a_map_apply_to_it_only(self):
        d = self.daemon()
        d.object("maps")
        fields = f"[Fields]\nname = {algorithm('all')}\nflags = 1\n[Fields second]\nname = {algorithm('two')}\n"
        d.raw("one.policy", f"[Object]\nPath=maps.bpf.o\nMap=first second\n{fields}")
        d.raw("two.policy", f"[Object]\nPath=maps.bpf.o\nMap=second first\n{fields}")
        d.start()
        self.assertEqual(kernel.struct_ops()[self.assert_attached(d, "one")["map_id"]]["name"], algorithm("all"))
        two = kernel.struct_ops()[self.assert_attached(d, "two")["map_id"]]
        self.assertEqual((two["name"], two["flags"]), (algorithm("two"), 1))

    def test_fields_of_a_map_that_is_never_attached_are_refused(self):
        d = self.daemon()
        d.object("maps")
        path = d.raw("a.policy", f"[Object]\nPath=maps.bpf.o\nMap=first\n[Fields second]\nname = {algorithm('a')}\n")
        d.start()
        self.assert_state(d.status("a"), "invalid", "boot", f"{path}:4", "[Fields second]", "Map=")

    def test_programs_that_are_not_referenced_are_not_loaded(self):
        """maps.bpf.o has a program that the verifier refuses, and only map "wild" refers to it."""
        d, row = self.attach("a", "Map=first")
        self.assertEqual({p["name"] for p in row["programs"]}, {"ssthresh", "cong_avoid", "undo_cwnd"})
        d.policy("b", "values", fields=["cong_avoid = other_cong_avoid", "init ="])
        self.assertEqual(d.ctl("reload").status, 0)
        programs = {p["member"]: p["name"] for p in self.assert_attached(d, "b")["programs"]}
        self.assertEqual(programs, {"ssthresh": "ssthresh", "cong_avoid": "other_cong_avoid", "undo_cwnd": "undo_cwnd"})


if __name__ == "__main__":
    native.main()
