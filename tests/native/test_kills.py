#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9, again and again, at random moments of a busy life.

After each restart the kernel holds just what the policies say, and those that nobody touched were never away. The moments
are of a seed that is printed: KILLS_SEED=N plays the same life again, as far as the machine plays along; KILLS=N says how
many.
"""

import os
import random
import signal
import subprocess
import time

import links
import native
from native import NativeTest, algorithm, kernel, until

KILLS = int(os.environ.get("KILLS", "100" if native.IS_SANITIZED else "500"))
LIFE_SECONDS = 0.06
PAUSE_SECONDS = 0.008
# Restarts at once, and never too many of them: what is tested here is not the back-off.
ATTACH = ["RestartSec=0", "StartLimitBurst=0"]
UNTOUCHED = ("held", "calm")
PAIR = ("left", "right")  # of one name: one of them has it, and they are switched
# Five characters, as "first" in the object: so all its maps can be told from those of others.
TAG = f"k{os.getpid() % 0x10000:04x}"


class Kills(NativeTest):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("KILLS_SEED", random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        print(f"KILLS={KILLS} KILLS_SEED={self.seed}", flush=True)
        self.d = self.daemon()
        self.d.settings = ["KeepLinks=pin"]
        self.d.object("maps", content=native.find_object("maps").read_bytes().replace(b"first", TAG.encode()))
        self.flags = dict.fromkeys([*UNTOUCHED, *PAIR, "flap", "again", "hand", "edit", "move", "come"], 0)
        self.moved = 0
        self.hand_is = "attached"  # or "inactive"; None: a verb was cut short
        self.clients: list[tuple[str, subprocess.Popen]] = []
        self.rows: dict[str, dict] = {}

    # What is wanted.

    def write(self, name: str) -> None:
        fields = [f"flags = {self.flags[name]}"]
        if name == "move":
            fields.append(f"name = {self.name_of(name)}")
        elif name in PAIR:
            fields.append(f"name = {self.name_of(name)}")
        head = ["Enabled=no"] if name == "right" else []
        self.d.policy(name, "maps", head=head, object_=[f"Map={TAG}"], fields=fields, attach=ATTACH)

    def name_of(self, name: str) -> str:
        if name in PAIR:
            return algorithm("pair")
        return algorithm(f"{name}{self.moved % 2}") if name == "move" else algorithm(name)

    def is_as_wanted(self, row: dict) -> bool:
        name = row["name"]
        if name == "hand" and self.hand_is is None:
            return row["state"] in ("attached", "inactive")
        if name in PAIR:
            return row["state"] in ("attached", "inactive")
        return row["state"] == (self.hand_is if name == "hand" else "attached")

    # What happens. None of it is waited for.

    def client(self, *words: str) -> None:
        self.clients.append((words[0], native.background(self.d.client_command(*words))))

    def edit(self) -> None:
        self.flags["edit"] = (self.flags["edit"] + 1) % 4
        self.write("edit")

    def move(self) -> None:
        self.moved += 1
        self.write("move")

    def come_or_go(self) -> None:
        path = self.d.policies / "come.policy"
        if path.exists():
            path.unlink()
        else:
            self.write("come")

    def reload(self) -> None:
        self.client("reload")

    def detach_flap(self) -> None:
        links.detach(self.rows["flap"]["link_id"])

    def restart(self) -> None:
        self.client("restart", "again")

    def switch(self) -> None:
        self.client("switch", self.random.choice(PAIR))

    def by_hand(self) -> None:
        self.client(self.random.choice(("attach", "detach")), "hand")

    def live(self, seconds: float) -> None:
        """A busy life, which ends at the moment that was drawn."""
        changes = (self.edit, self.move, self.come_or_go)
        others = (self.reload, self.detach_flap, self.restart, self.by_hand, self.switch)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.random.random() < 0.4:
                self.random.choice(changes)()
                self.reload()
            else:
                self.random.choice(others)()
            time.sleep(max(0.0, min(PAUSE_SECONDS, end - time.monotonic())))

    def meanwhile(self) -> None:
        """While no daemon is there."""
        if self.random.random() < 0.3:
            self.random.choice((self.edit, self.move, self.come_or_go, self.detach_flap))()

    # The end and the beginning.

    def kill(self) -> None:
        self.d.signal(signal.SIGKILL)
        self.d.process.wait()
        ended = [(verb, client.wait()) for verb, client in self.clients]
        self.clients.clear()
        verbs = [(verb, status) for verb, status in ended if verb in ("attach", "detach")]
        if len(verbs) == 1 and verbs[0][1] == 0:
            self.hand_is = "attached" if verbs[0][0] == "attach" else "inactive"
        elif verbs:
            self.hand_is = None

    def is_settled(self) -> bool:
        self.d.assert_running()
        rows = self.d.try_list()
        if rows is None or not all(self.is_as_wanted(row) for row in rows.values()):
            return False
        if sum(rows[name]["state"] == "attached" for name in PAIR) != 1:
            return False
        self.rows = rows
        return True

    def check(self) -> None:
        """What the daemon says, what the policies say and what the kernel holds is the same."""
        wanted = {path.name.removesuffix(".policy") for path in self.d.policies.iterdir()}
        until(self.is_settled, lambda: f"all as wanted: {self.d.try_list()}", seconds=30, pause=0.002)
        self.assertEqual(set(self.rows), wanted)
        self.hand_is = self.rows["hand"]["state"]
        attached = {name: row for name, row in self.rows.items() if row["state"] == "attached"}
        in_kernel = {i: data for i, data in kernel.struct_ops().items() if data["name"].startswith(native.PREFIX)}
        for name, row in attached.items():
            self.assertEqual(links.map_of(row["link_id"]), row["map_id"], row)
            data = in_kernel[row["map_id"]]
            self.assertEqual((data["name"], data["flags"]), (self.name_of(name), self.flags[name]), row)
        ours = {name for name in kernel.algorithms() if name.startswith(native.PREFIX)}
        self.assertEqual(ours, {self.name_of(name) for name in attached})
        for name in UNTOUCHED:
            self.assertEqual((self.rows[name]["link_id"], self.rows[name]["map_id"]), self.first[name])

    def start(self) -> None:
        for name in self.flags:
            self.write(name)
        self.d.start()
        self.rows = self.d.list()
        self.first = {name: (self.rows[name]["link_id"], self.rows[name]["map_id"]) for name in UNTOUCHED}
        self.check()

    def maps_of_ours(self) -> set[int]:
        return {m["id"] for m in kernel.bpftool("map", "list") if m.get("name") == TAG}

    def test_at_random_moments(self):
        self.start()
        begun, checks = time.monotonic(), 0
        # Held by its watcher, "held" is told of by the kernel; of "calm", which nobody else holds, its ids tell.
        with links.Watcher([self.first["held"][0]]) as watcher:
            for _ in range(KILLS):
                self.kill()
                self.meanwhile()
                self.d.launch()
                if self.random.random() < 0.25:
                    time.sleep(self.random.uniform(0, 0.03))  # killed before it has come to itself
                    continue
                self.check()
                checks += 1
                self.live(self.random.uniform(0, LIFE_SECONDS))
            self.kill()
            self.d.launch()
            self.check()
            self.assertEqual(watcher.end(), [], "detachments of what nobody touched")
        print(f"{KILLS} kills in {time.monotonic() - begun:.0f} s, looked at {checks + 1} times", flush=True)
        self.assertEqual([self.rows[name]["restarts"] for name in UNTOUCHED], [0, 0])
        attached = {row["map_id"] for row in self.rows.values() if row["map_id"] and row["state"] == "attached"}
        until(lambda: self.maps_of_ours() == attached, lambda: f"{self.maps_of_ours()} is {attached}")
        self.assertEqual(self.d.stop(), 0)
        until(lambda: not self.maps_of_ours(), lambda: f"no map is left: {self.maps_of_ours()}")
        self.assertEqual(list((self.d.run / "state").iterdir()), [])


if __name__ == "__main__":
    native.main()
