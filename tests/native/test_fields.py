#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Overrides: each kind of value arrives in the kernel; what does not fit is refused with file, line, member, type."""

import native
from native import NativeTest, algorithm, kernel

# [Globals] line: what status shows as wanted and as actual, the latter read back from the kernel.
VALUES = {
    "g_u8 = 0xff": "255",
    "g_s8 = -128": "-128",
    "g_u16 = 0177777": "65535",
    "g_s16 = -32768": "-32768",
    "g_u32 = 4294967295": "4294967295",
    "g_s32 = -0x80000000": "-2147483648",
    "g_u64 = 0xffffffffffffffff": "18446744073709551615",
    "g_s64 = -9223372036854775808": "-9223372036854775808",
    "g_bool = on": "yes",
    "g_color = COLOR_GREEN": "COLOR_GREEN",
    "g_balance = BALANCE_LOW": "BALANCE_LOW",
    "g_text = text, blanks": "text, blanks",
    "g_numbers = 10, 20, 0x1e, 40": "10, 20, 30, 40",
    "g_bools = yes, no, 1": "yes, no, yes",
    "g_colors = COLOR_BLUE, COLOR_RED": "COLOR_BLUE, COLOR_RED",
    "g_matrix[1][2] = 7": "7",
    "g_names[1] = other": "other",
    "g_port = 8080": "8080",
    "g_limits.max[2] = 0x10": "16",
    "g_limits.low = -1": "-1",
    "g_limits.strict = true": "yes",
    "g_limits.inner[1].color = COLOR_BLUE": "COLOR_BLUE",
    "g_limits.inner[0].label = seven77": "seven77",
    "g_limits.raw.bytes[3] = 9": "9",
    "g_static = 4": "4",
    "g_data = 6": "6",
    "g_own_section = 7": "7",
}

# Line, its section, what the sentence must have: the member's BTF type, what fits, the nearest name.
REFUSED = {
    "nofield": ("Fields", "nam = x", ["[Fields] nam", "tcp_congestion_ops", "did you mean name?"]),
    "noglob": ("Globals", "g_u33 = 1", ["[Globals] g_u33", "did you mean g_u32?"]),
    "nomem": ("Globals", "g_limits.mix = 1", ["g_limits.mix", "struct limits", "did you mean max?"]),
    "big": ("Globals", "g_u8 = 256", ["g_u8", "256", "__u8", "0", "255"]),
    "neg": ("Globals", "g_u32 = -1", ["g_u32", "-1", "__u32"]),
    "huge": ("Globals", "g_u64 = 18446744073709551616", ["g_u64", "__u64"]),
    "flags": ("Fields", "flags = 0x100000000", ["[Fields] flags", "__u32", "4294967295"]),
    "text": ("Fields", "name = sixteen_letters_", ["[Fields] name", "char[16]", "15"]),
    "number": ("Globals", "g_s16 = many", ["g_s16", "many", "__s16"]),
    "enum": ("Globals", "g_color = COLOR_GREN", ["g_color", "enum color", "COLOR_GREEN"]),
    "bool": ("Globals", "g_bool = 2", ["g_bool", "bool"]),
    "array": ("Globals", "g_numbers = 1, 2, 3, 4, 5", ["g_numbers", "4"]),
    "index": ("Globals", "g_numbers[4] = 1", ["g_numbers[4]", "0 … 3"]),
    "bits": ("Globals", "g_limits.narrow = 1", ["g_limits.narrow", "bitfield"]),
    "ptr": ("Globals", "g_limits.address = 1", ["g_limits.address", "pointer"]),
    "float": ("Globals", "g_float = 1.5", ["g_float", "float"]),
    "struct": ("Globals", "g_limits = 1", ["g_limits", "struct limits"]),
    "const": ("Globals", "g_folded[0] = 1", ["g_folded", "const volatile"]),
    "extern": ("Globals", "LINUX_KERNEL_VERSION = 1", ["extern"]),
    "isfield": ("Globals", "values.flags = 1", ["[Fields values]"]),
    "noprog": ("Fields", "ssthresh = other_sthresh", ["[Fields] ssthresh", "did you mean other_ssthresh?"]),
    "nostop": ("Fields", "ssthresh = tracer", ["[Fields] ssthresh", "raw_tp", "struct_ops"]),
    "oper": ("Fields", "ssthresh |= ssthresh", ["[Fields] ssthresh", "operator"]),
    "reuse": ("Fields", "undo_cwnd = ssthresh", ["undo_cwnd", "ssthresh", "one member only"]),
    "ortext": ("Globals", "g_text |= 1", ["g_text", "|="]),
}


class Values(NativeTest):
    def attach(self, **policy):
        d = self.daemon()
        d.policy("a", **policy)
        d.start()
        return d, self.assert_attached(d, "a")

    def test_every_kind_is_in_the_kernel_as_it_was_wanted(self):
        d, row = self.attach(globals_=VALUES)
        fields = {f["member"]: (f["wanted"], f["actual"]) for f in row["fields"]}
        for line, shown in VALUES.items():
            member = "Globals." + line.split(" = ")[0]
            with self.subTest(line):
                self.assertEqual(fields[member], (shown, shown))
        self.assertNotIn("differs", d.ctl("status", "a").out)

    def test_or_and_and_with_names_and_complements(self):
        _, row = self.attach(
            fields=["flags |= 0x1", "flags |= 2"],
            globals_=["g_u8 = 0xf0", "g_u8 &= ~0x30", "g_u16 |= 0x100", "g_color |= COLOR_GREEN|COLOR_BLUE"],
        )
        actual = {f["member"]: f["actual"] for f in row["fields"]}
        self.assertEqual(actual["flags"], "3")
        self.assertEqual((actual["Globals.g_u8"], actual["Globals.g_u16"]), ("192", "257"))
        self.assertEqual(actual["Globals.g_color"], "7")
        self.assertEqual(kernel.struct_ops()[row["map_id"]]["flags"], 3)

    def test_the_kernel_has_the_names_of_tcp_aimds_flags(self):
        _, row = self.attach(obj="tcp_aimd", object_=["Map=aimd"], fields=["flags |= TCP_CONG_NON_RESTRICTED"])
        self.assertEqual(kernel.struct_ops()[row["map_id"]]["flags"], 1)

    def test_an_operator_is_replaced_and_another_cleared(self):
        _, row = self.attach(fields=["cong_avoid = other_cong_avoid", "init ="])
        actual = {f["member"]: f["actual"] for f in row["fields"]}
        self.assertEqual((actual["cong_avoid"], actual["init"]), ("other_cong_avoid", ""))
        data = kernel.struct_ops()[row["map_id"]]
        self.assertIn("other_cong_avoid/", data["cong_avoid"])
        self.assertTrue(data["init"].endswith(" 0"), data["init"])

    def test_two_operators_change_places(self):
        _, row = self.attach(fields=["ssthresh = other_ssthresh", "cong_avoid = other_cong_avoid"])
        self.assertEqual({p["member"]: p["name"] for p in row["programs"]}["ssthresh"], "other_ssthresh")

    def test_a_member_that_the_kernel_lacks_may_be_cleared(self):
        """libbpf leaves a member out that is 0: the object runs on a kernel without it."""
        d, row = self.attach(obj="maps", object_=["Map=future"], fields=["knob = 0"])
        self.assert_says(" ".join(row["notes"]), "knob")


class Refused(NativeTest):
    def test_each_with_file_line_member_and_type(self):
        d = self.daemon()
        d.policy("good")
        paths = {}
        for name, (section, line, _) in REFUSED.items():
            lines = {"Fields": "fields", "Globals": "globals_"}[section]
            paths[name] = d.policy(name, **{lines: [line]})
        d.start()
        rows = d.list()
        for name, (section, line, parts) in REFUSED.items():
            number = paths[name].read_text().splitlines().index(line) + 1
            with self.subTest(line):
                self.assert_state(rows[name], "failed", "load-failed", f"{paths[name]}:{number}: [{section}", *parts)
                self.assertEqual(rows[name]["restarts"], 0)
        self.assert_attached(d, "good")

    def test_a_member_that_the_kernel_lacks_and_that_is_set(self):
        d = self.daemon()
        d.policy("a", "maps", object_=["Map=future"])
        d.start()
        row = d.status("a")
        self.assert_state(row, "failed", "load-failed", '"knob"', '"future"', "tcp_congestion_ops", '"knob = 0"')

    def test_members_of_another_shape_than_the_kernels(self):
        d = self.daemon()
        d.policy("wide", "maps", object_=["Map=wide"])
        d.policy("bits", "maps", object_=["Map=bits"])
        d.policy("bits2", "maps", object_=["Map=bits"], fields=["flags = 1"])
        d.policy("doubled", "maps", object_=["Map=doubled"])
        d.start()
        rows = d.list()
        self.assert_state(rows["wide"], "failed", "load-failed", '"flags"', "another size")
        self.assert_state(rows["bits"], "failed", "load-failed", '"flags"', "bitfield")
        self.assert_state(rows["bits2"], "failed", "load-failed", "[Fields] flags", "bitfield")
        self.assert_state(rows["doubled"], "failed", "load-failed", '"ssthresh"', "undo_cwnd", "one member only")

    def test_a_name_that_the_kernel_does_not_take(self):
        d = self.daemon()
        d.policy("a", fields=["name = no blanks"])
        d.start()
        self.assert_state(d.status("a"), "failed", "load-failed", "a name")

    def test_it_says_which_drop_in(self):
        d = self.daemon()
        d.policy("a", globals_=["g_u8 = 1"])
        drop_in = d.raw("a.policy.d/override.conf", "[Globals]\n; too large\ng_u8 = 1000\n")
        d.start()
        self.assert_state(d.status("a"), "failed", "load-failed", f"{drop_in}:3: [Globals] g_u8")

    def test_mended_and_reloaded_it_is_attached(self):
        d = self.daemon()
        d.policy("a", globals_=["g_u8 = 256"])
        d.start()
        self.assertEqual(d.list()["a"]["state"], "failed")
        d.policy("a", globals_=["g_u8 = 255"])
        self.assertEqual(d.ctl("reload").status, 0)
        self.assert_attached(d, "a")
        self.assertIn(algorithm("a"), kernel.algorithms())


if __name__ == "__main__":
    native.main()
