"""Four sick runs: the fault, the line and the repair."""

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import integer, parts
from minigooglenet.lessons.lesson_10_training import sick_runs

sick = Exercise(
    "10.5",
    "four sick runs",
    '(student, {"A": (fault, line, repair), "B": ..., "C": ..., "D": ...})',
    minutes=15,
    difficulty=3,
    core=False,
    hints=(
        "Look at step 0, then at held out against main, then at the two columns that should not move or should.",
        (
            "Held out and again are the same test done twice: they must be equal. A head that learns lowers its loss. "
            "Decay keeps the norm of the weights from growing on. Which sentence does your run break?"
        ),
        '`("you", {"A": ("sign of the rate", 13, "____"), ...})`, if that is what A has',
    ),
)
_SEEN = {
    "labels against images": "the training loss may fall, held out stays at chance",
    "gradients not cleared": "good at first, then the steps grow and grow",
    "dropout when testing": "the same test, done twice, says two numbers",
    "decay of the velocity": "it learns, but the norm of the weights grows on and on",
    "sign of the rate": "the loss rises from step 1",
    "head without a gradient": "the head's loss stays where it began",
}


@sick.judge
def sick_judge(answer):
    student, given = answer
    key = sick_runs.key(student)
    missing = [letter for letter in key if not isinstance(given.get(letter), (tuple, list))]
    if missing:
        return _refused("runs missing", f"no answer for {', '.join(missing)}")
    for letter, fault in key.items():
        named, line, repair = parts(given[letter], ("fault", "line", "repair"), letter)
        line = integer(line, f"{letter}'s line")
        if named not in sick_runs.FAULTS:
            return Verdict(False, None, f"{letter}: no fault is called {named!r}; they are {', '.join(_SEEN)}")
        if repair == sick_runs.cure("sign of the rate")[2] != sick_runs.cure(fault)[2] or repair == _SLOWER:
            return _refused("rate blamed", letter)
        if named != fault:
            return _refused("another fault", f"{letter}: {named!r} would look otherwise ({_SEEN[named]})")
        if line != sick_runs.FAULTS[fault][0]:
            return _refused("line beside the fault", f"{letter}: line {line}")
        if not _healthy(student, letter, line, repair):
            return _refused("repair does not cure", f"{letter}, with {repair!r} in line {line}")
    return Verdict(
        True, None, f"all {len(key)} found, and repaired they run {sick_runs.CHECKED} steps like the healthy"
    )


_SLOWER = next(letter for letter, line in sick_runs.REPAIRS.items() if "0.1 * lr" in line)


def _healthy(student, letter, line, repair):
    try:
        found = sick_runs.repaired(sick_runs.start(student, letter), line, repair, sick_runs.CHECKED)
    except Exception:
        return False
    return found.history == sick_runs.healthy(sick_runs.CHECKED).history


def _refused(name, where):
    message = next(wrong.message for wrong in sick.wrongs if wrong.name == name)
    return Verdict(False, name, f"{where}: {message}" if len(where) == 1 else f"{where}. {message}")


def _answer(student, change=lambda cure: cure):
    return student, {letter: change(sick_runs.cure(fault)) for letter, fault in sick_runs.key(student).items()}


def _other(fault):
    names = list(sick_runs.FAULTS)
    return names[(names.index(fault) + 1) % len(names)]


sick.reference(_answer("you"))
sick.right(_answer("ada"))
sick.right([*_answer("you", list)])


@sick.wrong
def runs_missing():
    """Each run needs its fault, line and repair."""
    return ("you", {letter: cure for letter, cure in _answer("you")[1].items() if letter != "B"})


@sick.wrong
def rate_blamed():
    """A smaller or other rate treats the symptom; the faulty line stays."""
    return _answer("you", lambda cure: (cure[0], 13, _SLOWER))


@sick.wrong
def another_fault():
    """Compare with the columns once more."""
    return _answer("you", lambda cure: (_other(cure[0]), *cure[1:]))


@sick.wrong
def line_beside_the_fault():
    """The fault is rightly named, but that line is sound."""
    return _answer("you", lambda cure: (cure[0], cure[1] - 1, cure[2]))


@sick.wrong
def repair_does_not_cure():
    """The repaired loop still runs otherwise than the healthy one."""
    return _answer(
        "you", lambda cure: (*cure[:2], next(x for x in sick_runs.REPAIRS if "arange" in sick_runs.REPAIRS[x]))
    )
