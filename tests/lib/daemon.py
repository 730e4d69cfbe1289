# SPDX-License-Identifier: LGPL-2.1-or-later
"""A structopsd of a test's own, in a folder of its own, and the client that talks to it."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import kernel
import processes
from waiting import until

DAEMON = Path(os.environ.get("STRUCTOPSD", "structopsd"))
CLIENT = Path(os.environ.get("STRUCTOPSCTL", "structopsctl"))
OBJECTS = [Path(p) for p in os.environ.get("STRUCTOPSD_OBJECTS", "").split(":") if p]

# A test that is killed takes its daemons with it.
WITH_US = ("setpriv", "--pdeathsig", "TERM")
BUSY = ("loading", "updating", "detaching")
CLIENT_SECONDS = 120
STOP_SECONDS = 60

# Names of TCP algorithms have 15 characters, and runs side by side must not meet: "t", the process, the policy.
PREFIX = f"t{os.getpid():x}_"


def algorithm(policy: str) -> str:
    name = PREFIX + policy
    if len(name) > 15:
        raise ValueError(f"{name} is too long for a TCP algorithm: shorten the policy's name")
    return name


def find_object(name: str) -> Path:
    return next(folder / f"{name}.bpf.o" for folder in OBJECTS if (folder / f"{name}.bpf.o").exists())


class Result(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Daemon:
    """Made stopped: write policies first, then start(). stop() always, also after a failure."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.policies = folder / "policies.d"
        self.objects = folder / "objects"
        self.run = folder / "run"
        self.config = folder / "structopsd.conf"
        self.log_file = folder / "daemon.log"
        self.process: subprocess.Popen | None = None
        self.settings: list[str] = []  # of [Daemon]
        for path in (self.policies, self.objects):
            path.mkdir()
        self.log_file.touch()

    # Files.

    def object(self, name: str, to: str | None = None, content: bytes | None = None) -> Path:
        """Puts an object where the daemon finds it; by renaming, so that no half of it is ever seen."""
        target = self.objects / (to or f"{name}.bpf.o")
        new = target.with_name(target.name + ".new")
        if content is None:
            shutil.copyfile(find_object(name), new)
        else:
            new.write_bytes(content)
        new.chmod(0o644)
        new.rename(target)
        return target

    def policy(self, name: str, obj: str = "values", *, head=(), object_=(), fields=(), globals_=(), attach=()) -> Path:
        """Writes a policy that attaches under a name of this run's own, and its object if that is not there."""
        if not obj.startswith("/") and not os.path.lexists(self.objects / f"{obj}.bpf.o"):
            self.object(obj)
        if not any(f.startswith("name") for f in fields):
            fields = [f"name = {algorithm(name)}", *fields]
        sections = {
            "Policy": list(head),
            "Object": [f"Path={obj}" if obj.startswith("/") else f"Path={obj}.bpf.o", *object_],
            "Fields": list(fields),
            "Globals": list(globals_),
            "Attach": list(attach),
        }
        text = [line for section, lines in sections.items() if lines for line in (f"[{section}]", *lines)]
        return self.raw(f"{name}.policy", "\n".join(text) + "\n")

    def raw(self, name: str, content: str | bytes) -> Path:
        """Any file below the folder of policies."""
        path = self.policies / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    # The process.

    def command(self) -> list[str]:
        words = [DAEMON, "--config", self.config, "--policy-path", self.policies, "--object-path", self.objects]
        words += ["--runtime-dir", self.run, "--log-level", "debug", "--log-target", "stderr"]
        return [str(w) for w in words]

    def launch(self, *, before=(), more=(), env=None, **options) -> subprocess.Popen:
        """Starts it and waits for nothing. before: words that exec the rest, such as prlimit's."""
        self.config.write_text("".join(f"{line}\n" for line in ["[Daemon]", *self.settings]), encoding="utf-8")
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*WITH_US, *map(str, before), *self.command(), *map(str, more)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
                **options,
            )
        return self.process

    def start(self, **options) -> None:
        """Starts it and waits until it answers and every policy has come to an outcome."""
        self.launch(**options)
        self.settled()

    def settled(self) -> dict[str, dict]:
        """Waits until no work is under way; the policies then."""

        def look():
            self.assert_running()
            rows = self.try_list()
            return rows is not None and (all(r["state"] not in BUSY for r in rows.values()) and [rows])

        return until(look, "every policy has an outcome")[0]

    def assert_running(self) -> None:
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with status {self.process.returncode}:\n{self.log()}")

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, when it has ended by itself."""
        return self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM, as the service manager does it; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def log_lines(self, part: str) -> list[str]:
        return [line for line in self.log().splitlines() if part in line]

    def children(self) -> dict[int, str]:
        return processes.children(self.pid)

    def helper(self) -> int:
        """The id of the process that links maps again."""
        def look():
            return next((pid for pid, name in self.children().items() if "relnk" in name), 0)

        return until(look, "there is a helper")

    # The client.

    @property
    def socket(self) -> Path:
        return self.run / "bus"

    def client_command(self, *words: str) -> list[str]:
        return [str(CLIENT), "--socket", str(self.socket), *map(str, words)]

    def ctl(self, *words: str, before=()) -> Result:
        command = [*map(str, before), *self.client_command(*words)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CLIENT_SECONDS, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def json(self, *words: str) -> dict:
        done = self.ctl("--json", *words)
        return json.loads(done.out)

    def try_list(self) -> dict[str, dict] | None:
        done = self.ctl("--json", "list")
        return {p["name"]: p for p in json.loads(done.out)["policies"]} if done.status == 0 else None

    def list(self) -> dict[str, dict]:
        return {p["name"]: p for p in self.json("list")["policies"]}

    def status(self, name: str) -> dict:
        return self.json("status", name)["policies"][0]

    def wait_for(self, name: str, state: str, reason: str | None = None) -> dict:
        """Waits until a policy is in a state (for a reason); its status then."""
        last = {}

        def look():
            self.assert_running()
            last.update(self.status(name))
            return last["state"] == state and reason in (None, last["reason"])

        until(look, lambda: f"{name} is {state} ({reason}); it is {last['state']} ({last['reason']}): {last['detail']}")
        return last

    def detach_by_another(self, name: str) -> int:
        """Lets another process detach the policy's link, and waits for nothing. The id of that link."""
        link_id = self.status(name)["link_id"]
        kernel.detach(link_id)
        return link_id

    def detach_and_come_back(self, name: str) -> dict:
        """Another process detaches it; its status when the daemon has attached it again."""
        link_id = self.detach_by_another(name)
        until(lambda: self.status(name)["link_id"] not in (None, link_id), f"{name} has another link")
        return self.wait_for(name, "attached")


class Monitor:
    """structopsctl monitor, running: a context manager."""

    def __init__(self, daemon: Daemon):
        self.daemon = daemon
        self.events: list[dict] = []

    def __enter__(self):
        command = self.daemon.client_command("--json", "monitor")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        # Before it has subscribed it waits for answers, not in its loop.
        until(lambda: processes.is_in_epoll(self.process.pid), "the monitor has subscribed")
        return self

    def next(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the monitor has ended")
        self.events.append(json.loads(line))
        return self.events[-1]

    def until(self, condition) -> dict:
        """Reads events up to the first for which the condition holds."""
        while not condition(self.next()):
            pass
        return self.events[-1]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait(STOP_SECONDS)
