#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why it failed, where the cause is not the object: rights, a kernel that hides things, a map that nobody has room for.

What is wrong with objects is in test-kernel-causes.c; here the real client and the real daemon are asked.
"""

import os
import subprocess

import native
from native import NativeTest, find_object

COLUMNS, LINES = 100, 5
HIDE_BTF = "mount -t tmpfs none /sys/kernel/btf"
HIDE_CONFIG = "mount -t proc -o subset=pid proc /proc"


class Causes(NativeTest):
    def verify(self, object_: str, *before: str) -> str:
        """What `verify --load` says about the object; it is refused."""
        policy = self.scratch / "p.policy"
        path = find_object(object_)
        policy.write_text(f"[Object]\nPath={path}\n")
        command = [*before, os.environ["STRUCTOPSCTL"], "verify", "--load", str(policy)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 1, result)
        (line,) = [line for line in result.stdout.splitlines() if line.startswith("  ")]
        said = line.strip().removeprefix(f"{policy}: ")
        self.assertLessEqual(len(said) - len(str(path)), COLUMNS * LINES, said)
        return said

    def without(self, capabilities: str) -> tuple[str, ...]:
        return "setpriv", f"--bounding-set={capabilities}", "--inh-caps=-all"

    def hidden(self, how: str) -> tuple[str, ...]:
        return "unshare", "-m", "sh", "-c", f'{how} && exec "$@"', "sh"

    def test_capabilities_that_are_missing(self):
        for gone, named in (("-bpf,-sys_admin", "CAP_BPF"), ("-perfmon,-sys_admin", "CAP_PERFMON")):
            with self.subTest(gone):
                self.assertTrue(self.verify("values", *self.without(gone)).endswith(f"the daemon lacks {named}"))

    def test_a_limit_of_locked_memory_is_not_blamed_for_them(self):
        """libbpf suggests `ulimit -l` to whoever is root and has such a limit, though the kernel counts otherwise since 5.11."""
        limited = ("prlimit", "--memlock=65536", *self.without("-perfmon,-sys_admin"))
        self.assertTrue(self.verify("values", *limited).endswith("the daemon lacks CAP_PERFMON"))

    def test_no_btf(self):
        self.assert_says(self.verify("values", *self.hidden(HIDE_BTF)), "offers no BTF", "CONFIG_DEBUG_INFO_BTF=y")

    def test_no_configuration_of_the_kernel(self):
        said = self.verify("config-used", *self.hidden(HIDE_CONFIG))
        self.assert_says(said, "asks for the kernel's configuration", "/proc/config.gz", f"/boot/config-{os.uname().release}")

    def test_memory_that_is_not_there_may_be_there_later(self):
        d = self.daemon()
        d.policy("a", "memory-limit", attach=["RestartSec=1h"])
        d.start()
        row = d.status("a")
        self.assert_state(row, "waiting", "attach-failed", 'no memory for map "wanted"', "max_entries", "MemoryMax=")


if __name__ == "__main__":
    native.main()
