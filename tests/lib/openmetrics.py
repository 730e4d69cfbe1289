# SPDX-License-Identifier: LGPL-2.1-or-later
"""Strict readers of OpenMetrics 1.0 and of Prometheus' text format 0.0.4: whatever the specifications forbid is a problem."""

import re
from typing import NamedTuple

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
META = re.compile(rf"# (TYPE|HELP|UNIT) ({NAME}) (.*)")
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")
SUFFIXES = {"gauge": ("",), "counter": ("_total",), "info": ("_info",), "summary": ("_sum", "_count")}
# Prometheus' own advice: base units only, and what a name may not say.
BAD_WORDS = re.compile(r"_(?:milliseconds|microseconds|usec|ms|minutes|hours|days|percent|kilobytes|megabytes)(?:_|$)")


class Sample(NamedTuple):
    name: str
    labels: tuple[str, ...]
    value: float


class Family:
    def __init__(self, name: str):
        self.name = name
        self.meta: dict[str, str] = {}
        self.samples: list[Sample] = []


class Text:
    """An exposition taken apart; problems has what is wrong with it."""

    def __init__(self, text: str, *, is_openmetrics: bool):
        self.is_openmetrics = is_openmetrics
        self.families: dict[str, Family] = {}
        self.problems: list[str] = []
        self.current: Family | None = None
        self._read(text)
        for family in self.families.values():
            self._judge(family)

    def _read(self, text: str) -> None:
        if not text.endswith("\n"):
            self.problems.append("the last line has no end")
        lines = text.removesuffix("\n").split("\n")
        if self.is_openmetrics:
            if lines[-1] != "# EOF":
                self.problems.append("the last line is not # EOF")
            lines = lines[:-1]
        for number, line in enumerate(lines, 1):
            problem = self._take(line)
            if problem:
                self.problems.append(f"line {number}: {problem}: {line}")

    def _take(self, line: str) -> str | None:
        meta, sample = META.fullmatch(line), SAMPLE.fullmatch(line)
        if meta:
            return self._take_meta(*meta.groups())
        if sample:
            return self._take_sample(sample[1], sample[2] or "", sample[3])
        return "neither a sample nor TYPE, HELP or UNIT"

    def _take_meta(self, what: str, name: str, text: str) -> str | None:
        if not self.current or self.current.name != name:
            if name in self.families:
                return "the family was there before: its lines must stand together"
            self.current = self.families[name] = Family(name)
        if what in self.current.meta:
            return f"a second {what}"
        if self.current.samples:
            return f"{what} behind samples"
        if what == "UNIT" and not self.is_openmetrics:
            return "this format has no UNIT"
        self.current.meta[what] = text
        return None

    def _take_sample(self, name: str, labels: str, value: str) -> str | None:
        family = self.current
        kind = family.meta.get("TYPE", "") if family else ""
        if not family or name not in self._names(family, kind):
            return f"no sample of the family above ({kind or 'without a type'})"
        found = tuple(re.findall(LABEL, labels))
        names = [label.split("=")[0] for label in found]
        if len(set(names)) != len(names):
            return "a label twice"
        if any(s.name == name and set(s.labels) == set(found) for s in family.samples):
            return "the same series twice"
        family.samples.append(Sample(name, found, float(value)))
        return None

    def _names(self, family: Family, kind: str) -> list[str]:
        suffixes = SUFFIXES.get(kind, ())
        if not self.is_openmetrics and kind != "summary":
            suffixes = ("",)
        return [family.name + suffix for suffix in suffixes]

    def _judge(self, family: Family) -> None:
        kind, unit, name = family.meta.get("TYPE", ""), family.meta.get("UNIT"), family.name
        wrong = {
            "no TYPE": kind not in SUFFIXES or (kind == "info" and not self.is_openmetrics),
            "no HELP": not family.meta.get("HELP"),
            "does not end in its unit": unit is not None and not name.endswith(f"_{unit}"),
            "has seconds and no UNIT": self.is_openmetrics and name.endswith("_seconds") and unit != "seconds",
            "a counter that does not end in _total": not self.is_openmetrics
            and (kind == "counter") != name.endswith("_total"),
            "ends in a suffix of samples": self.is_openmetrics and name.endswith(("_total", "_info", "_sum", "_count")),
            "no base unit": bool(BAD_WORDS.search(name)),
            "not ours": not name.startswith("structopsd_"),
            "a negative count": kind in ("counter", "summary") and any(s.value < 0 for s in family.samples),
            "an info that is not 1": kind == "info" and any(s.value != 1 for s in family.samples),
        }
        self.problems += [f"{name}: {what}" for what, is_so in wrong.items() if is_so]

    def value(self, name: str, *labels: str) -> float | None:
        """Of the sample that has these labels, as in the text; None: there is none."""
        found = [s for f in self.families.values() for s in f.samples if s.name == name and set(labels) <= set(s.labels)]
        return found[0].value if len(found) == 1 else None
