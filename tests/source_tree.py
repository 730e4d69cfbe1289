# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files are the project's own: what git tracks or would track. The checks beside this file share it."""

import os
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def _from_git(top: Path) -> list[str] | None:
    # A checkout may belong to another user than the caller (sudo tools/test): git would refuse to read it.
    command = ["git", "-c", f"safe.directory={top}", "-C", str(top)]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.split("\0")[:-1] if done.returncode == 0 else None


def _from_folder(top: Path) -> list[str]:
    """A source archive has no .git: everything counts, but for what a build left."""
    found = []
    for folder, subfolders, names in os.walk(top):
        at_top = folder == str(top)
        subfolders[:] = [s for s in subfolders if s != "__pycache__" and not (at_top and s.startswith((".git", "build")))]
        found += [os.path.relpath(os.path.join(folder, n), top) for n in names]
    return found


def files(top: Path = TOP) -> list[Path]:
    """Paths relative to top, in order; without those that were deleted and not yet committed."""
    names = _from_git(top) if (top / ".git").exists() else None
    if names is None:
        names = _from_folder(top)
    return [Path(n) for n in sorted(set(names)) if (top / n).is_file() and not (top / n).is_symlink()]


def c_files(top: Path = TOP) -> list[Path]:
    return [f for f in files(top) if f.suffix in (".c", ".h")]


def shell_scripts(top: Path = TOP) -> list[Path]:
    def is_shell(path: Path) -> bool:
        with open(top / path, "rb") as f:
            first = f.readline(200)
        return path.suffix == ".sh" or (first.startswith(b"#!") and first.rstrip().endswith((b"bash", b"/sh")))

    return [f for f in files(top) if is_shell(f)]
