"""What a check says: findings, suspects, rungs, and one of three verdicts."""

import time
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"


@dataclass
class Finding:
    """One thing that a rung found: a sentence, what it means for the verdict, and where.

    `verdict` is FAIL, INCONCLUSIVE, or PASS for a remark that fails nothing. `error` is how far the gradient of
    `argument` is off, where low precision inside could explain it.
    """

    verdict: str
    sentence: str
    argument: str | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    error: float | None = None

    def __str__(self):
        return self.sentence


def worst(findings) -> str:
    """Return FAIL if anything failed, INCONCLUSIVE if nothing failed but something could not be decided, else PASS."""
    found = [finding.verdict for finding in findings]
    return next((verdict for verdict in (FAIL, INCONCLUSIVE) if verdict in found), PASS)


@dataclass
class Rung:
    """One rung of the ladder: what it did, what came of it, the seconds that it took, and its findings."""

    number: int
    title: str
    outcome: str
    verdict: str
    seconds: float
    findings: list = field(default_factory=list)


@dataclass
class Report:
    """What a check returns; `print(report)` shows the ladder.

    Attributes
    ----------
    verdict : "PASS", "FAIL" or "INCONCLUSIVE"
    findings : list of Finding
    suspects : what the error looks like, in words, the likeliest first; each with one hint
    rungs : list of Rung
    errors : {argument: (analytic, numeric)} arrays, for the arguments whose every index was compared
    linear : the arguments in which the function turned out to be linear, by exact integers
    evidences : what the diagnosis looked at
    culprit : of a network, the first wrong node from the losses backwards
    """

    title: str
    findings: list[Finding] = field(default_factory=list)
    suspects: list[str] = field(default_factory=list)
    rungs: list[Rung] = field(default_factory=list)
    errors: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    culprit: str | None = None
    linear: set[str] = field(default_factory=set)
    evidences: list = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The worst of all findings."""
        return worst(self.findings)

    def add_rung(self, number, title, outcome, findings, started) -> None:
        """Add a rung with the verdict of `findings`, which began at `started` (of time.perf_counter)."""
        seconds = time.perf_counter() - started
        self.rungs.append(Rung(number, title, outcome, worst(findings), seconds, list(findings)))

    def failed(self) -> set[str]:
        """Return the names of the arguments whose gradient is wrong."""
        return {finding.argument for finding in self.findings if finding.verdict == FAIL and finding.argument}

    def figure(self):
        """Return (figure, text) with the error map of the argument that is most wrong."""
        from minigooglenet.gradcheck.place import error_figure, worst_argument

        name = worst_argument(self.errors)
        if name is None:
            raise ValueError("no argument was compared index by index, so there is no error map")
        return error_figure(name, *self.errors[name])

    @cached_property
    def place(self) -> str:
        """The error map of the wrong argument as text, with its worst index; empty where there is none."""
        from minigooglenet.gradcheck.place import error_text, worst_argument

        name = worst_argument({key: value for key, value in self.errors.items() if key in self.failed()})
        return "" if name is None else error_text(name, *self.errors[name])

    def __str__(self):
        lines = [f"{self.verdict}  {self.title}"]
        for rung in self.rungs:
            lines.append(
                f"  {rung.number} {rung.title:<18} {rung.verdict:<12} {rung.outcome}  [{rung.seconds * 1e3:.0f} ms]"
            )
        lines += [
            f"  {'!' if f.verdict == FAIL else '?' if f.verdict == INCONCLUSIVE else '-'} {f}" for f in self.findings
        ]
        if self.suspects:
            lines += ["  It looks like:"] + [f"    {i}. {suspect}" for i, suspect in enumerate(self.suspects, start=1)]
        elif self.evidences:
            lines += ["  It looks like nothing known; the error map shows where it is wrong."]
        if self.verdict == FAIL:
            lines += ["    " + line for line in self.place.splitlines()]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    __repr__ = __str__
