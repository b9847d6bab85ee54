"""The report of a gradient check: findings, suspects, stages, and one of three verdicts."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from minigooglenet import renamed
from minigooglenet.typing import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"


@dataclass
class Finding:
    """One finding of a stage: a sentence, what it means for the verdict, and where.

    `verdict` is FAIL, INCONCLUSIVE, or PASS for a remark that fails nothing. `error` is the error in the gradient of
    `argument`, if low precision inside the functions could explain it.

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> report = mg.gradcheck.check_function(lambda x: x * x, lambda grad_y, x: (grad_y * x,), np.array([1.0, 2.0]))
    >>> finding = report.findings[-1]
    >>> finding.verdict, finding.argument, finding.index
    ('FAIL', 'x', (1,))
    """

    verdict: str
    sentence: str
    argument: str | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numerical: float | None = None
    error: float | None = None

    @property
    def numeric(self) -> float | None:
        """The old name of `numerical`."""
        return renamed.attribute(self, "numeric", "numerical")

    def __str__(self) -> str:
        return self.sentence


def worst(findings: Iterable[Finding]) -> str:
    """Return FAIL if anything failed, INCONCLUSIVE if nothing failed but something is undecided, else PASS."""
    verdicts = [finding.verdict for finding in findings]
    return next((verdict for verdict in (FAIL, INCONCLUSIVE) if verdict in verdicts), PASS)


@dataclass
class Stage:
    """One stage of a check: its number and title, its outcome, the seconds that it took, and its findings.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> report = mg.gradcheck.check_layer(mg.layers.Linear(4, 3, rng=0))
    >>> for stage in report.stages:
    ...     print(stage.number, stage.title, stage.verdict)
    0 contract PASS
    1 exact PASS
    2 one direction PASS
    3 every index PASS
    """

    number: int
    title: str
    outcome: str
    verdict: str
    seconds: float
    findings: list[Finding] = field(default_factory=list)


@dataclass
class Report:
    """The result of a check; `print(report)` shows its stages, its findings and an error map.

    Attributes
    ----------
    verdict : "PASS", "FAIL" or "INCONCLUSIVE"
    findings : list of Finding
    suspects : list of str: known mistakes that explain the error, the most likely first, each with one hint
    stages : list of Stage
    errors : {argument: (analytic, numerical)} arrays for the arguments of which every index was compared
    error_map : the error map as text
    linear : the arguments in which the function is linear, found with exact integers
    evidences : the wrong gradients and their Jacobians, the input of the diagnosis
    culprit : in a network, the first wrong node, counted from the losses backwards

    Examples
    --------
    >>> import numpy as np
    >>> import minigooglenet as mg
    >>> x = np.random.default_rng(0).standard_normal((3, 4))
    >>> report = mg.gradcheck.check_function(np.tanh, lambda grad_y, x: (grad_y * (1 - np.tanh(x)),), x)
    >>> report.verdict, report.suspects
    ('FAIL', ['wrong derivative formula: tanh: y is not squared'])
    """

    title: str
    findings: list[Finding] = field(default_factory=list)
    suspects: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    errors: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    culprit: str | None = None
    linear: set[str] = field(default_factory=set)
    evidences: list[Any] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The worst verdict of all findings."""
        return worst(self.findings)

    def add_stage(self, number: int, title: str, outcome: str, findings: Iterable[Finding], started: float) -> None:
        """Add a stage with the verdict of `findings`, which began at `started` (of time.perf_counter)."""
        seconds, findings = time.perf_counter() - started, list(findings)
        self.stages.append(Stage(number, title, outcome, worst(findings), seconds, findings))

    def failed(self) -> set[str]:
        """Return the names of the arguments whose gradient is wrong."""
        return {finding.argument for finding in self.findings if finding.verdict == FAIL and finding.argument}

    def figure(self) -> tuple["Figure", str]:
        """Return (figure, text) with the error map of the argument with the largest relative error."""
        from minigooglenet.gradcheck.error_maps import error_figure, worst_argument

        name = worst_argument(self.errors)
        if name is None:
            raise ValueError("this report has no error map, because no argument was compared index by index")
        return error_figure(name, *self.errors[name])

    @cached_property
    def error_map(self) -> str:
        """The error map of the wrong argument as text, with its worst index; empty if every index agrees."""
        from minigooglenet.gradcheck.error_maps import error_text, worst_argument

        name = worst_argument({key: value for key, value in self.errors.items() if key in self.failed()})
        return "" if name is None else error_text(name, *self.errors[name])

    @property
    def rungs(self) -> list[Stage]:
        """The old name of `stages`."""
        return renamed.attribute(self, "rungs", "stages")

    @property
    def place(self) -> str:
        """The old name of `error_map`."""
        return renamed.attribute(self, "place", "error_map")

    def __str__(self) -> str:
        lines = [f"{self.verdict}  {self.title}"]
        lines += [
            f"  {s.number} {s.title:<18} {_shown(s):<12} {s.outcome}  [{1e3 * s.seconds:.0f} ms]" for s in self.stages
        ]
        signs = {FAIL: "!", INCONCLUSIVE: "?", PASS: "-"}
        lines += [f"  {signs[finding.verdict]} {finding}" for finding in self.findings]
        if self.suspects:
            lines += ["  It looks like:"] + [f"    {i}. {suspect}" for i, suspect in enumerate(self.suspects, start=1)]
        elif self.evidences:
            lines += ["  It matches no known mistake. The error map shows where the gradient is wrong."]
        if self.verdict == FAIL:
            lines += ["    " + line for line in self.error_map.splitlines()]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    __repr__ = __str__


def _shown(stage):
    return "" if stage.title in ("diagnosis", "location") else stage.verdict  # they explain and judge nothing
