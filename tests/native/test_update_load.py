#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hundred changes of a policy under load: whoever asks for the algorithm gets it, at each moment."""

import native
from load import SocketLoad
from native import NativeTest, algorithm

UPDATES = 100


class UpdateUnderLoad(NativeTest):
    def test_no_socket_is_refused(self):
        d = self.daemon()
        d.policy("a", globals_=["g_u32 = 0"])
        d.start()
        before = self.assert_attached(d, "a")
        with SocketLoad(algorithm("a")) as load:
            for i in range(1, UPDATES + 1):
                d.policy("a", globals_=[f"g_u32 = {i}"])
                result = d.ctl("reload")
                self.assertEqual(result.status, 0, result.text)
                self.assertIn("updated (atomic", result.text)

        self.assertEqual(load.failures, [])
        self.assertGreaterEqual(load.asked, SocketLoad.AT_LEAST)
        self.assertEqual(load.received, load.sent)
        self.assertGreater(load.received, 0)
        after = self.assert_attached(d, "a")
        self.assertEqual(after["link_id"], before["link_id"])
        self.assertNotEqual(after["map_id"], before["map_id"])


if __name__ == "__main__":
    native.main()
