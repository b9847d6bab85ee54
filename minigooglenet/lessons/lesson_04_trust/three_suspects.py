"""Exercise: identify the mistakes of three broken convolutions by their gradients."""

from minigooglenet.exercises.exercise import Exercise, Verdict
from minigooglenet.exercises.plain import plain
from minigooglenet.lessons.lesson_04_trust.detective import LETTERS, SUSPECTS, drawn

detective = Exercise(
    "04.6",
    "detective",
    'named(student) -> (student, {"A": mistake, "B": mistake, "C": mistake})',
    minutes=15,
    difficulty=3,
    hints=(
        "Which gradients are wrong: those of x, the weight or the bias?",
        (
            "Divide the two gradients: a constant ratio is a wrong factor. If x is wrong only at its edge, look at the "
            "padding. If the values are right but at wrong positions, look for exchanged axes or a flip. If a gradient "
            "does not depend on the other images, only one image is used."
        ),
        "`report = mg.gradcheck.check_function(*suspects['A'][:2], *suspects['A'].____); print(report.suspects)`",
    ),
    core=False,
)


@detective.judge
def detective_judge(answer):
    student, named = plain(answer() if callable(answer) else answer)
    truth = {letter: exhibit.suspect for letter, exhibit in drawn(student).items()}
    missing = [letter for letter in LETTERS if named.get(letter) in (None, Ellipsis)]
    if len(missing) == len(LETTERS):
        raise NotImplementedError("exercise 04.6: name the three mistakes")
    if missing:
        return Verdict(False, "one left out", f"name a mistake for {', '.join(missing)} too")
    for letter in LETTERS:
        if named[letter] not in SUSPECTS:
            return Verdict(
                False, "not in the list", f"{named[letter]!r} is not in the list. Choose from: {'; '.join(SUSPECTS)}"
            )
    wrong = [letter for letter in LETTERS if named[letter] != truth[letter]]
    if not wrong:
        stories = " ".join(f"{letter}: {exhibit.story}" for letter, exhibit in drawn(student).items())
        return Verdict(True, None, f"all three are right. {stories}")
    if sorted(named.values()) == sorted(truth.values()):
        return Verdict(False, "letters exchanged", f"the three names are right, but {', '.join(wrong)} are exchanged")
    name = "one wrong" if len(wrong) == 1 else "several wrong"
    return Verdict(False, name, f"{', '.join(wrong)}: not that mistake. Compare the two gradients again")


def _truth(student):
    return {letter: exhibit.suspect for letter, exhibit in drawn(student).items()}


def _other(student, count):
    """Return the truth with `count` names replaced by mistakes that no letter has."""
    truth = _truth(student)
    free = [name for name in SUSPECTS if name not in truth.values()]
    return truth | dict(zip(LETTERS[:count], free, strict=False))


detective.reference(("ada", _truth("ada")))
detective.right(("grace", _truth("grace")))
detective.right(("alan", dict(reversed(_truth("alan").items()))))


@detective.wrong
def one_left_out():
    """Name all three mistakes."""
    return ("ada", _truth("ada") | {"C": None})


@detective.wrong
def not_in_the_list():
    """Use only names from the list."""
    return ("ada", _truth("ada") | {"B": "bad luck"})


@detective.wrong
def one_wrong():
    """Two of the three are right."""
    return ("ada", _other("ada", 1))


@detective.wrong
def several_wrong():
    """Look at the positions of the errors."""
    return ("ada", _other("ada", 2))


@detective.wrong
def letters_exchanged():
    """The names are right, but some have the wrong letters."""
    return ("ada", _truth("ada") | {"A": _truth("ada")["B"], "B": _truth("ada")["A"]})
