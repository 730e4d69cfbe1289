#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""structopsctl inspect: golden outputs, and what it says of objects and kernels that are not right.

With UPDATE=1 the golden outputs are written anew; look at the difference before you commit it.
"""

import hashlib
import json
import os
import re
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

CLIENT = os.environ["STRUCTOPSCTL"]
KERNEL = Path(os.environ["INSPECT_KERNEL"])
SAMPLE = Path(os.environ["INSPECT_SAMPLE"])
OBJECTS = Path(os.environ["TEST_OBJECTS"])
MAKE_MODULE_BTF = os.environ["MAKE_MODULE_BTF"]
GOLDEN = Path(__file__).resolve().parent / "golden"

# Elf64_Ehdr and Elf64_Shdr: where things are that a test changes.
EI_VERSION, E_SHOFF, E_SHNUM, E_SHSTRNDX = 6, 40, 60, 62
SECTION_SIZE = 64
# Where things are in the header of a section, and how to write them.
SH_FLAGS, SH_OFFSET, SH_SIZE, SH_LINK = (8, "<Q"), (24, "<Q"), (32, "<Q"), (40, "<I")
SHF_COMPRESSED = 0x800
SHN_XINDEX = 0xFFFF
RELOCATION_SIZE = 16


def inspect(*words: object, user: int | None = None) -> subprocess.CompletedProcess:
    command = [CLIENT, "--socket", "/nonexistent/bus", "inspect", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, user=user)


def inspect_json(*words: object) -> dict:
    done = inspect("--json", *words)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)


class Elf:
    """An object in memory, to be spoilt."""

    def __init__(self, path: Path):
        self.bytes = bytearray(path.read_bytes())
        self.table = struct.unpack_from("<Q", self.bytes, E_SHOFF)[0]
        self.n = struct.unpack_from("<H", self.bytes, E_SHNUM)[0]
        names = struct.unpack_from("<H", self.bytes, E_SHSTRNDX)[0]
        self.names = self.place(names)[0]

    def header(self, i: int) -> int:
        return self.table + i * SECTION_SIZE

    def place(self, i: int) -> tuple[int, int]:
        return struct.unpack_from("<QQ", self.bytes, self.header(i) + 24)

    def name(self, i: int) -> str:
        start = self.names + struct.unpack_from("<I", self.bytes, self.header(i))[0]
        return self.bytes[start : self.bytes.index(0, start)].decode()

    def section(self, name: str) -> int:
        return next(i for i in range(self.n) if self.name(i) == name)

    def content(self, name: str) -> tuple[int, int]:
        return self.place(self.section(name))

    def set(self, i: int, field: tuple[int, str], number: int) -> None:
        struct.pack_into(field[1], self.bytes, self.header(i) + field[0], number)

    def get(self, i: int, field: tuple[int, str]) -> int:
        return struct.unpack_from(field[1], self.bytes, self.header(i) + field[0])[0]

    def compress(self, name: str, said_size: int) -> None:
        """As if: flag and header, and nothing that could be unpacked."""
        i = self.section(name)
        self.set(i, SH_FLAGS, self.get(i, SH_FLAGS) | SHF_COMPRESSED)
        struct.pack_into("<IIQQ", self.bytes, self.place(i)[0], 1, 0, said_size, 1)

    def move_aside(self, name: str) -> None:
        """To an odd offset at the end."""
        start, size = self.content(name)
        self.bytes += bytes(1 + len(self.bytes) % 2)
        self.set(self.section(name), SH_OFFSET, len(self.bytes))
        self.bytes += self.bytes[start : start + size]

    def move_table_aside(self) -> None:
        headers = self.bytes[self.table : self.table + self.n * SECTION_SIZE]
        self.bytes += bytes(1 + len(self.bytes) % 2)
        self.table = len(self.bytes)
        struct.pack_into("<Q", self.bytes, E_SHOFF, self.table)
        self.bytes += headers


class InspectTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def spoilt(self, content: bytes | bytearray, name: str = "spoilt.o") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o644)
        return path

    def assert_refused(self, content: bytes | bytearray, sentence: str) -> None:
        done = inspect(self.spoilt(content))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(sentence, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def assert_problem(self, content: bytes | bytearray, sentence: str) -> dict:
        """What is right with it is shown nevertheless."""
        path = self.spoilt(content)
        done = inspect("--json", "--kernel", KERNEL, path)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        shown = json.loads(done.stdout)
        self.assertIn(sentence, "\n".join(shown["problems"]))
        self.assertIn(sentence, inspect("--kernel", KERNEL, path).stdout)
        return shown


class Golden(InspectTest):
    def compare(self, name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE"):
            path.write_text(text, encoding="utf-8")
        self.assertEqual(path.read_text(encoding="utf-8"), text)

    def json_of(self, path: Path, *words: object) -> str:
        """Without what another compiler makes differently."""
        shown = inspect_json("--kernel", KERNEL, *words, path)
        shown |= {"object": path.name, "size": 0, "digest": "DIGEST", "kernel": KERNEL.name}
        for program in shown["programs"]:
            program["instructions"] = 0
        return json.dumps(shown, indent=1) + "\n"

    def test_sample_as_text(self):
        text = inspect("--kernel", KERNEL, "--value", SAMPLE).stdout
        text = re.sub(r"\d+ bytes, SHA-256 [0-9a-f]{64}", "N bytes, SHA-256 DIGEST", text)
        text = text.replace(f"{SAMPLE}\n", "SAMPLE\n").replace(str(KERNEL), "KERNEL")
        self.compare("sample.text", text)

    def test_sample_as_json(self):
        self.compare("sample.json", self.json_of(SAMPLE, "--value"))

    def test_objects_of_other_tests(self):
        for name in ("maps", "values", "no-maps"):
            with self.subTest(name):
                self.compare(f"{name}.json", self.json_of(OBJECTS / f"{name}.bpf.o"))

    def test_digest_and_size_are_the_files(self):
        shown = inspect_json("--kernel", KERNEL, SAMPLE)
        digest = subprocess.run(["sha256sum", SAMPLE], capture_output=True, text=True, check=True).stdout.split()[0]
        self.assertEqual(shown["digest"], digest)
        self.assertEqual(shown["size"], SAMPLE.stat().st_size)


class Value(InspectTest):
    def test_parts_are_the_bytes(self):
        value = inspect_json("--value", "--kernel", KERNEL, SAMPLE)["maps"][0]["value"]
        image = bytes.fromhex(value["bytes"])
        self.assertEqual(len(image), value["size"])
        self.assertEqual(image[: value["data_offset"]], bytes(value["data_offset"]))
        parts = {p["member"]: image[p["offset"] : p["offset"] + p["size"]] for p in value["parts"]}
        self.assertEqual(parts["name"], b'a "b"\0\0\0')
        self.assertEqual(parts["numbers"], struct.pack("<4h", -1, 2, 0, 0))
        self.assertEqual(parts["inner"], struct.pack("<2I", 0, 3))
        self.assertEqual(parts["first"], bytes(8))
        covered = set()
        for p in value["parts"]:
            covered |= set(range(p["offset"], p["offset"] + p["size"]))
        self.assertEqual([b for i, b in enumerate(image) if i not in covered and b], [])


class BadObjects(InspectTest):
    def test_what_is_no_object(self):
        self.assert_refused(b"", "is empty")
        self.assert_refused(b"#!/bin/sh\n", "is not an ELF file")
        self.assert_refused(Path(CLIENT).read_bytes(), "is an ELF file, but not a BPF object")
        self.assertIn("No such file", inspect(self.folder / "none").stderr)
        self.assertIn("is no regular file", inspect(self.folder).stderr)
        os.mkfifo(self.folder / "fifo")
        self.assertIn("is no regular file", inspect(self.folder / "fifo").stderr)

    def test_huge(self):
        path = self.folder / "huge"
        with path.open("wb") as file:
            file.truncate(1 << 40)
        self.assertIn("more than 64 MiB is no BPF object", inspect(path).stderr)

    def test_truncated(self):
        whole = SAMPLE.read_bytes()
        for size in (4, 15, 16, 17, 40, 63):
            self.assert_refused(whole[:size], "is truncated: it ends within its ELF header")
        for size in range(64, len(whole), 97):
            self.assert_refused(whole[:size], "is truncated")

    def test_other_byte_order(self):
        self.assert_refused((OBJECTS / "endian.bpf.o").read_bytes(), "was compiled for big-endian machines")

    def test_section_beyond_the_end(self):
        elf = Elf(SAMPLE)
        section = elf.section(".rodata")
        struct.pack_into("<Q", elf.bytes, elf.header(section) + 32, 1 << 62)
        self.assert_refused(elf.bytes, f"the content of section {section} lies beyond its end")

    def test_texts_without_end(self):
        elf = Elf(SAMPLE)
        start, size = elf.content(".strtab")
        elf.bytes[start + size - 1] = ord("x")
        self.assert_refused(elf.bytes, "is no string table")

    def test_numbers_of_sections(self):
        # More sections than fit: their number is the size of section 0. libelf would make room for as many.
        for n in (0, 0xFF00, 0xFFFF):
            elf = Elf(SAMPLE)
            struct.pack_into("<H", elf.bytes, E_SHNUM, n)
            elf.set(0, SH_SIZE, 1 << 28)
            self.assert_refused(elf.bytes, "has no usable ELF section table")

    def test_number_of_the_names_elsewhere(self):
        for n, sentence in ((None, None), (0, "no table of section names"), (1 << 30, "no usable ELF section table")):
            with self.subTest(sentence):
                elf = Elf(SAMPLE)
                elf.set(0, SH_LINK, struct.unpack_from("<H", elf.bytes, E_SHSTRNDX)[0] if n is None else n)
                struct.pack_into("<H", elf.bytes, E_SHSTRNDX, SHN_XINDEX)
                if sentence:
                    self.assert_refused(elf.bytes, sentence)
                else:
                    self.assert_same_as_sample(elf.bytes)

    def assert_same_as_sample(self, content: bytearray) -> None:
        shown, sample = (inspect_json("--kernel", KERNEL, path) for path in (self.spoilt(content), SAMPLE))
        self.assertEqual(shown["digest"], hashlib.sha256(content).hexdigest())
        self.assertEqual(shown["size"], len(content))
        own = {"object", "digest", "size"}
        self.assertEqual({k: v for k, v in shown.items() if k not in own}, {k: sample[k] for k in shown if k not in own})

    def test_nothing_is_aligned(self):
        elf = Elf(SAMPLE)
        for name in (".symtab", ".strtab", ".rel.struct_ops.link", ".struct_ops.link", ".BTF"):
            elf.move_aside(name)
        self.assert_same_as_sample(elf.bytes)
        elf.move_table_aside()
        self.assert_same_as_sample(elf.bytes)

    def test_version_of_elf(self):
        elf = Elf(SAMPLE)
        elf.bytes[EI_VERSION] = 2
        self.assert_refused(elf.bytes, "its ELF header is of version 2")

    def test_part_of_an_entry(self):
        elf = Elf(SAMPLE)
        section = elf.section(".symtab")
        elf.set(section, SH_SIZE, elf.get(section, SH_SIZE) - 1)
        self.assert_refused(elf.bytes, f"section {section} does not consist of whole entries")

    def test_compressed(self):
        # libelf would unpack a table of texts, and believe how large it is to become.
        for name, kind in ((".strtab", "string"), (".symtab", "symbol")):
            elf = Elf(SAMPLE)
            elf.compress(name, 1 << 40)
            self.assert_refused(elf.bytes, f"is no {kind} table")
        elf = Elf(SAMPLE)
        elf.compress(".rel.struct_ops.link", 1 << 40)
        self.assert_problem(elf.bytes, 'the relocations of section ".struct_ops.link" are of an unknown size')
        elf = Elf(SAMPLE)
        elf.compress(".BTF", 1 << 40)
        self.assert_problem(elf.bytes, "no BTF where it should be")

    def test_without_btf(self):
        shown = self.assert_problem((OBJECTS / "no-btf.bpf.o").read_bytes(), "has no BTF")
        self.assertEqual(shown["maps"], [])
        self.assertEqual(shown["license"], "GPL")
        self.assertIn("wild_ssthresh", [p["name"] for p in shown["programs"]])

    def test_damaged_btf(self):
        # Where in the BTF, what is written there, what is said then.
        for offset, number, sentence in (
            (0, 0x9FEB, "of the other byte order"),
            (0, 0x1234, "no BTF where it should be"),
            (4, 0xFFFF, "a header of 65535 bytes"),
            (12, 0x7FFFFFFF, "beyond its end"),
            (20, 0x7FFFFFFF, "beyond its end"),
            (24 + 8, 0x7FFFFFFF, "libbpf says"),
        ):
            with self.subTest(sentence):
                elf = Elf(SAMPLE)
                start, _ = elf.content(".BTF")
                struct.pack_into("<H" if offset == 0 else "<I", elf.bytes, start + offset, number)
                shown = self.assert_problem(elf.bytes, sentence)
                self.assertEqual(len(shown["programs"]), 5)

    def test_relocations(self):
        # In the first relocation of ".struct_ops.link", at which offset, what is written, what is said then.
        for offset, form, number, sentence in (
            (0, "<Q", 1 << 40, "there is no map at offset"),
            (0, "<Q", 4, "no member begins at offset 4"),
            (0, "<Q", 24, "member number (__u32) is no operator"),
            (12, "<I", 0xFFFFFF, "names symbol 16777215, which does not exist"),
            (12, "<I", 1, "which is no program"),
        ):
            with self.subTest(sentence):
                elf = Elf(SAMPLE)
                start, _ = elf.content(".rel.struct_ops.link")
                struct.pack_into(form, elf.bytes, start + offset, number)
                shown = self.assert_problem(elf.bytes, sentence)
                self.assertEqual(len(shown["maps"]), 4)

    def test_operator_of_another_kind(self):
        elf = Elf(SAMPLE)
        name = elf.names + struct.unpack_from("<I", elf.bytes, elf.header(elf.section("struct_ops.s/second")))[0]
        elf.bytes[name : name + 6] = b"fentry"
        self.assert_problem(elf.bytes, "which is not of struct_ops")

    def test_map_beyond_its_section(self):
        elf = Elf(SAMPLE)
        struct.pack_into("<Q", elf.bytes, elf.header(elf.section("?.struct_ops")) + 32, 8)
        shown = self.assert_problem(elf.bytes, "reaches beyond the end of its section")
        self.assertNotIn("refused", [m["name"] for m in shown["maps"]])

    def test_ten_thousand_sections(self):
        elf = Elf(SAMPLE)
        headers = bytes(elf.bytes[elf.table : elf.table + elf.n * SECTION_SIZE])
        program = headers[elf.section("struct_ops") * SECTION_SIZE :][:SECTION_SIZE]
        wanted = 10000
        struct.pack_into("<Q", elf.bytes, E_SHOFF, len(elf.bytes))
        struct.pack_into("<H", elf.bytes, E_SHNUM, wanted)
        shown = inspect_json("--kernel", KERNEL, self.spoilt(elf.bytes + headers + program * (wanted - elf.n)))
        self.assertEqual(len(shown["maps"]), 4)
        # The same of the section that makes maps.
        maps = headers[elf.section(".struct_ops.link") * SECTION_SIZE :][:SECTION_SIZE]
        self.assert_problem(elf.bytes + headers + maps * (wanted - elf.n), "that no BTF describes")

    def test_names_do_not_steer_the_terminal(self):
        elf = Elf(SAMPLE)
        start = elf.bytes.index(b"forgotten\0", elf.content(".strtab")[0])
        elf.bytes[start : start + 9] = b"\x1b[31m\xff\xfe\n\r"
        path = self.spoilt(elf.bytes)
        self.assertIn("?[31m????", inspect("--kernel", KERNEL, path).stdout)
        self.assertNotIn("\x1b", inspect("--kernel", KERNEL, path).stdout)
        self.assertIn("?[31m????", [p["name"] for p in inspect_json("--kernel", KERNEL, path)["programs"]])


class Kernels(InspectTest):
    def kernel_error(self, content: bytes) -> str:
        done = inspect("--kernel", self.spoilt(content, "kernel"), SAMPLE)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr

    def test_raw_btf_is_as_good(self):
        elf = Elf(KERNEL)
        start, size = elf.content(".BTF")
        raw = self.spoilt(elf.bytes[start : start + size], "raw")
        of_raw, of_elf = (inspect_json("--kernel", kernel, SAMPLE) for kernel in (raw, KERNEL))
        self.assertEqual(of_raw["maps"], of_elf["maps"])

    def test_files_that_are_none(self):
        self.assertIn("is neither BTF nor an ELF file", self.kernel_error(b"BZh9"))
        self.assertIn("is neither BTF nor an ELF file", self.kernel_error(b""))
        self.assertIn("other byte order", self.kernel_error((OBJECTS / "endian.bpf.o").read_bytes()))
        self.assertIn("has no section", self.kernel_error((OBJECTS / "no-btf.bpf.o").read_bytes()))
        self.assertIn("is truncated", self.kernel_error(KERNEL.read_bytes()[:-100]))
        self.assertIn("only 20 bytes", self.kernel_error(b"\x9f\xeb\x01\x00" + bytes(16)))
        self.assertIn("no struct_ops type in it", self.kernel_error(SAMPLE.read_bytes()))
        self.assertIn("No such file", inspect("--kernel", "/nonexistent", SAMPLE).stderr)
        self.assertIn("no regular file", inspect("--kernel", "/dev/zero", SAMPLE).stderr)

    def test_btf_of_a_module_alone(self):
        subprocess.run([MAKE_MODULE_BTF, KERNEL, self.folder], check=True)
        self.assertIn("goes on where another's ends", self.kernel_error((self.folder / "imagined").read_bytes()))

    def test_what_a_missing_type_needs(self):
        types = OBJECTS / "types.bpf.o"
        shown = {m["name"]: m for m in inspect_json("--kernel", KERNEL, types)["maps"]}
        self.assertEqual([shown["handshake"][k] for k in ("known", "since", "config")], [False, "6.19", "CONFIG_SMC_HS_CTRL_BPF"])
        self.assertEqual([shown["ring"][k] for k in ("known", "since", "config")], [False, "7.1", None])
        text = inspect("--kernel", KERNEL, types).stdout
        self.assertIn("type smc_hs_ctrl. It came with Linux 6.19 and needs CONFIG_SMC_HS_CTRL_BPF; a module may bring it.", text)
        self.assertIn("type io_uring_bpf_ops. It came with Linux 7.1.\n", text)

    def test_tables_that_lie(self):
        for change, sentence in (
            (lambda elf: struct.pack_into("<H", elf.bytes, E_SHNUM, 0), "no usable ELF section table"),
            (lambda elf: struct.pack_into("<H", elf.bytes, E_SHSTRNDX, elf.n), "no usable ELF section table"),
            (lambda elf: elf.set(elf.section(".strtab"), SH_SIZE, 1 << 40), "no usable ELF section table"),
            (lambda elf: elf.set(elf.section(".strtab"), SH_OFFSET, 1 << 40), "is truncated"),
            (lambda elf: elf.compress(".strtab", 1 << 40), "no usable ELF section table"),
            (lambda elf: elf.set(elf.section(".BTF"), SH_OFFSET, 1 << 40), "is truncated"),
            (lambda elf: elf.set(elf.section(".BTF"), SH_SIZE, 1 << 62), "is truncated"),
        ):
            with self.subTest(sentence):
                elf = Elf(KERNEL)
                change(elf)
                self.assertIn(sentence, self.kernel_error(elf.bytes))

    def with_btf_folder(self, folder: Path, *words: object) -> subprocess.CompletedProcess:
        """The client where /sys/kernel/btf holds what the folder does."""
        script = 'mount --bind "$0" /sys/kernel/btf && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", script, folder, CLIENT, "inspect", *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if "mount: " in done.stderr or "unshare: " in done.stderr:
            self.skipTest(done.stderr.strip())
        return done

    @unittest.skipIf(os.geteuid() != 0, "takes root: another folder is mounted over /sys/kernel/btf")
    def test_kernel_without_btf(self):
        shown = json.loads(self.with_btf_folder(self.folder, "--json", SAMPLE).stdout)
        self.assertIsNone(shown["kernel"])
        self.assertEqual({m["known"] for m in shown["maps"]}, {None})
        self.assertEqual({m["fate"] for map_ in shown["maps"] for m in map_["members"]}, {None})
        self.assertEqual(shown["maps"][0]["members"][2]["value"], 'a "b"')
        done = self.with_btf_folder(self.folder, "--value", SAMPLE)
        self.assertEqual(done.returncode, 0)
        self.assertIn("shows no BTF in /sys/kernel/btf", done.stdout)
        self.assertIn("CONFIG_DEBUG_INFO_BTF", done.stdout)

    @unittest.skipIf(os.geteuid() != 0, "takes root: another folder is mounted over /sys/kernel/btf")
    def test_type_of_a_module(self):
        folder = self.folder / "btf"
        folder.mkdir()
        subprocess.run([MAKE_MODULE_BTF, KERNEL, folder], check=True)
        (folder / "broken").write_bytes(b"not BTF, bpf_struct_ops_")
        done = self.with_btf_folder(folder, "--json", "--value", SAMPLE)
        maps = {m["name"]: m for m in json.loads(done.stdout)["maps"]}
        self.assertEqual((maps["unregistered"]["known"], maps["unregistered"]["module"]), (True, "imagined"))
        self.assertEqual((maps["sample"]["known"], maps["sample"]["module"]), (True, None))
        self.assertEqual(maps["unregistered"]["value"]["size"], 128)
        self.assertIn("of module imagined", self.with_btf_folder(folder, SAMPLE).stdout)


class Surroundings(InspectTest):
    @unittest.skipIf(os.geteuid() != 0, "takes root to become somebody else")
    def test_any_user(self):
        content = self.spoilt(SAMPLE.read_bytes(), "sample.o")
        self.folder.chmod(0o755)
        kernel = self.spoilt(KERNEL.read_bytes(), "kernel")
        done = inspect("--kernel", kernel, content, user=65534)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_wrong_usage(self):
        for words in (["--value", "list"], ["--kernel", "x", "status"], ["inspect"], ["inspect", "a", "b"]):
            done = subprocess.run([CLIENT, *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
