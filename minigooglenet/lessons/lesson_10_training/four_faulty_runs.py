"""Four faulty runs: the fault, the line and the repair."""

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.outputs import integer, parts
from minigooglenet.lessons.lesson_10_training import faulty_runs

faulty = Exercise(
    "10.5",
    "four faulty runs",
    '(student, {"A": (fault, line, repair), "B": ..., "C": ..., "D": ...})',
    minutes=15,
    difficulty=3,
    core=False,
    hints=(
        "Compare with the healthy run: first the loss at step 0 and step 10, then each other column.",
        (
            "In a healthy run, 'held out' and 'again' are equal, because they are the same evaluation. The loss of the "
            "head falls. Weight decay stops the growth of the weight norm. Which of these is not true of your run?"
        ),
        '`("you", {"A": ("sign of the rate", 13, "____"), ...})`, if this is the fault of A',
    ),
)
_SYMPTOMS = {
    "labels against images": "the training loss may fall, but the held-out accuracy stays at chance",
    "gradients not cleared": "the run learns at first, but then its steps become larger and larger",
    "dropout when testing": "two evaluations of the same network give different accuracies",
    "decay of the velocity": "the run learns, but the weight norm grows without end",
    "sign of the rate": "the loss rises from step 1",
    "head without a gradient": "the loss of the head does not change",
}


@faulty.judge
def faulty_judge(answer):
    student, given = answer
    key = faulty_runs.key(student)
    missing = [letter for letter in key if not isinstance(given.get(letter), (tuple, list))]
    if missing:
        return _rejected("runs missing", f"no answer for {', '.join(missing)}")
    for letter, fault in key.items():
        named, line, repair = parts(given[letter], ("fault", "line", "repair"), letter)
        line = integer(line, f"the line of {letter}")
        if named not in faulty_runs.FAULTS:
            return Verdict(False, None, f"{letter}: unknown fault {named!r}; choose from {', '.join(_SYMPTOMS)}")
        if repair == faulty_runs.solution("sign of the rate")[2] != faulty_runs.solution(fault)[2] or repair == _SLOWER:
            return _rejected("learning rate blamed", letter)
        if named != fault:
            return _rejected("different fault", f"{letter}: with {named!r}, {_SYMPTOMS[named]}")
        if line != faulty_runs.FAULTS[fault][0]:
            return _rejected("wrong line", f"{letter}: line {line}")
        if not _healthy(student, letter, line, repair):
            return _rejected("repair has no effect", f"{letter}, with {repair!r} in line {line}")
    steps = f"{faulty_runs.CHECKED} steps like the healthy run"
    return Verdict(True, None, f"all {len(key)} faults are right, and the repaired runs make {steps}")


_SLOWER = next(letter for letter, line in faulty_runs.REPAIRS.items() if "0.1 * lr" in line)


def _healthy(student, letter, line, repair):
    try:
        run = faulty_runs.repaired(faulty_runs.without_history(student, letter), line, repair, faulty_runs.CHECKED)
    except Exception:
        return False
    return run.history == faulty_runs.healthy(faulty_runs.CHECKED).history


def _rejected(name, where):
    message = next(wrong.message for wrong in faulty.wrongs if wrong.name == name)
    return Verdict(False, name, f"{where}: {message}" if len(where) == 1 else f"{where}. {message}")


def _answer(student, change=lambda solution: solution):
    return student, {letter: change(faulty_runs.solution(fault)) for letter, fault in faulty_runs.key(student).items()}


def _other(fault):
    names = list(faulty_runs.FAULTS)
    return names[(names.index(fault) + 1) % len(names)]


faulty.reference(_answer("you"))
faulty.right(_answer("ada"))
faulty.right([*_answer("you", list)])


@faulty.wrong
def runs_missing():
    """Each run needs a fault, a line and a repair."""
    return ("you", {letter: solution for letter, solution in _answer("you")[1].items() if letter != "B"})


@faulty.wrong
def learning_rate_blamed():
    """A different learning rate treats the symptom, but the faulty line stays."""
    return _answer("you", lambda solution: (solution[0], 13, _SLOWER))


@faulty.wrong
def different_fault():
    """Your run does not show this. Compare its columns with the healthy run again."""
    return _answer("you", lambda solution: (_other(solution[0]), *solution[1:]))


@faulty.wrong
def wrong_line():
    """The fault is right, but this line is not the faulty one."""
    return _answer("you", lambda solution: (solution[0], solution[1] - 1, solution[2]))


@faulty.wrong
def repair_has_no_effect():
    """The repaired run still differs from the healthy run."""
    useless = next(letter for letter, line in faulty_runs.REPAIRS.items() if "arange" in line)
    return _answer("you", lambda solution: (*solution[:2], useless))
