# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether "meson install" puts what a package needs where it belongs, and whether it works from there."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from builds import Builder
from report import Report, Stopwatch, read_log
from testlog import PASS

# Below the prefix, or anywhere ("**"); each pattern must match something.
WANTED = (
    "bin/structopsctl",
    "sbin/structopsd",
    "share/man/man1/structopsctl.1*",
    "share/man/man5/structops.policy.5*",
    "share/man/man5/structopsd.conf.5*",
    "share/man/man8/structopsd.8*",
    "share/bash-completion/completions/structopsctl",
    "share/bash-completion/completions/structopsd",
    "share/zsh/site-functions/_structopsctl",
    "share/zsh/site-functions/_structopsd",
    "share/fish/vendor_completions.d/structopsctl.fish",
    "share/fish/vendor_completions.d/structopsd.fish",
    "share/doc/structopsd/alerts.yml",
    "share/doc/structopsd/structopsd.json",
    "lib/structopsd/objects/tcp_aimd.bpf.o",
    "lib/structopsd/policies.d/*.policy",
    "**/structopsd.service",
    "**/structopsd.socket",
    "**/structopsd-metrics.service",
    "**/structopsd-metrics.timer",
    "**/systemd/catalog/structopsd.catalog",
)


def _prefix(build_folder: Path) -> Path:
    options = json.loads((build_folder / "meson-info" / "intro-buildoptions.json").read_text(encoding="utf-8"))
    return Path(next(o["value"] for o in options if o["name"] == "prefix"))


def _missing(staged: Path) -> list[str]:
    return [f"{pattern} is not installed" for pattern in WANTED if not any(p.is_file() for p in staged.glob(pattern))]


def _programs_that_fail(staged: Path) -> list[str]:
    lines = []
    for program in (staged / "sbin/structopsd", staged / "bin/structopsctl"):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        if done.returncode != 0 or not re.search(r"\d+\.\d+", done.stdout):
            lines.append(f"{program.name} --version: status {done.returncode}, {done.stdout}{done.stderr}")
    return lines


def _broken_paths(root: Path) -> list[str]:
    """What the units start must be what was installed (tests of the suite static have judged the rest of them).

    /bin is every system's own: nothing of the project is installed there.
    """
    lines = []
    for unit in root.glob("**/structopsd.*"):
        if unit.suffix not in (".service", ".socket"):
            continue
        for program in re.findall(r"^Exec\w+=[-@:+!]*(/\S+)", unit.read_text(encoding="utf-8"), re.MULTILINE):
            if not program.startswith("/bin/") and not (root / program.lstrip("/")).is_file():
                lines.append(f"{unit.name} starts {program}, which is not installed")
    return lines


def try_installation(builder: Builder) -> None:
    report: Report = builder.report
    watch = Stopwatch()
    scratch = Path(tempfile.mkdtemp(prefix="structopsd-install."))
    try:
        status, log = builder.run(
            "install",
            ["meson", "install", "-C", str(builder.folder), "--no-rebuild", "--destdir", str(scratch / "root")],
        )
        prefix = _prefix(builder.folder)
        root = scratch / "root"
        staged = root / prefix.relative_to("/")
        problems = read_log(log).splitlines() if status else _missing(staged)
        if not problems:
            problems = _programs_that_fail(staged) + _broken_paths(root)
        if problems:
            report.fail("install", problems, watch.seconds)
            return
        report.line("install", PASS, watch.seconds, f"{sum(p.is_file() for p in root.glob('**/*'))} files")
        report.add(PASS)
    finally:
        shutil.rmtree(scratch)
