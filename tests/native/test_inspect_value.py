#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What "inspect --value" says the kernel would receive is what the kernel has then, byte for byte."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


CLIENT = os.environ["STRUCTOPSCTL"]
OBJECTS = [Path(folder) for folder in os.environ["STRUCTOPSD_OBJECTS"].split(":")]
NAME = b"t_plain"
OWN_NAME = b"t_value"  # nobody else's: other tests attach the same object
POINTER = 8


def bpftool(*words: object) -> str:
    command = ["bpftool", "-j", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class InspectValue(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        holder = next(path for path in (o / "holder.bpf.o" for o in OBJECTS) if path.exists())
        self.object = Path(folder.name) / "own.bpf.o"
        # The map with a link is attached only as long as bpftool runs.
        content = holder.read_bytes().replace(NAME, OWN_NAME).replace(b"t_linked", b"t_valued")
        self.object.write_bytes(content)

    def live(self) -> tuple[bytes, dict[int, str]]:
        """The value of the attached map, and the names of programs by id."""
        command = ["bpftool", "struct_ops", "register", self.object]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        map_id = re.search(r"plain id (\d+)", said)[1]
        self.addCleanup(bpftool, "struct_ops", "unregister", "id", map_id)
        value = json.loads(bpftool("map", "lookup", "id", map_id, "key", 0, 0, 0, 0))["value"]
        programs = {p["id"]: p["name"] for p in json.loads(bpftool("prog", "show")) if p["type"] == "struct_ops"}
        return bytes(int(byte, 16) for byte in value), programs

    def test_value_is_what_the_kernel_has(self):
        done = subprocess.run(
            [CLIENT, "--json", "--value", "inspect", self.object], capture_output=True, text=True, check=True
        )
        maps = {m["name"]: m["value"] for m in json.loads(done.stdout)["maps"]}
        value = maps["plain"]
        wanted = bytearray(bytes.fromhex(value["bytes"]))
        live, programs = self.live()
        self.assertEqual(value["size"], len(live))
        for part in value["parts"]:
            if part["program"]:
                slot = slice(part["offset"], part["offset"] + POINTER)
                self.assertEqual(programs[int.from_bytes(live[slot], "little")], part["program"])
                wanted[slot] = live[slot]
        # Before the struct are the kernel's own count and state.
        start = value["data_offset"]
        self.assertEqual(bytes(wanted[start:]), live[start:])
        self.assertIn(OWN_NAME, live)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root: it attaches a congestion control")
        sys.exit(77)
    unittest.main()
