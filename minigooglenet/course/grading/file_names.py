"""The owner of a file by its name and folders, in the forms of Canvas, Moodle, Blackboard, Brightspace and nbgrader.

A name that matches none of these rules is the student's name unchanged.
"""

import datetime
import functools
import re
import unicodedata
from typing import NamedTuple

from minigooglenet.course import handout
from minigooglenet.exercises.find import everything

_MOODLE = re.compile(r"(?P<student>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)", re.IGNORECASE)
_CANVAS = re.compile(r"(?P<student>[^_]+)(?:_LATE)?_(?P<id>\d{3,})_\d{3,}_(?P<rest>.+)", re.IGNORECASE)
_BLACKBOARD = re.compile(r"(?:.*_)?(?P<student>[^_]+)_attempt_\d{4}(?:-\d\d){5}_?(?P<rest>.*)", re.IGNORECASE)
_BRIGHTSPACE = re.compile(r"\d+-\d+ - (?P<student>.+?) - (?P<rest>.+)")
_CANVAS_TEXT = re.compile(r"(?P<student>[^_]+)(?:_LATE)?_(?P<id>\d{3,})_(?P<rest>text|link)", re.IGNORECASE)
SYSTEMS = (_MOODLE, _BLACKBOARD, _BRIGHTSPACE, _CANVAS_TEXT, _CANVAS)
SURE = SYSTEMS[:-2]  # no student chooses such a name; the forms of Canvas are less clear
# The time at which a platform received a file, if the platform writes it into the name.
_ATTEMPT = re.compile(r"_attempt_(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_RECEIVED = re.compile(r" - ([A-Z][a-z]{2})[a-z]* (\d{1,2}), (\d{4}) (\d{1,2})[:.]?(\d\d) ([AP])M", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LATE = re.compile(r"[^_]+_LATE_\d{3,}_\d{3,}_.+", re.IGNORECASE)
_SPACES = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
# Words that systems add to the name of a copy, in several languages: the last three are Russian, Japanese and Chinese.
_ALONE = "copy|kopie|copie"  # also without a dash or brackets; the other words may be names of people
_WORD = rf"(?:{_ALONE}|copia|c\u00f3pia|kopia|kopi|\u043a\u043e\u043f\u0438\u044f|\u30b3\u30d4\u30fc|\u526f\u672c)"
_COPY = re.compile(
    rf"(?:[ _]*(?:-[ _]?{_WORD}(?:[ _]?\d+|[ _]?\(\d+\))?|\({_WORD}(?:[ _]\d+)?\)|\(\d+\))"
    rf"|[ _]+(?:{_ALONE}|\u526f\u672c)(?:[ _]\d+)?)+$",
    re.IGNORECASE,
)
_COPY_OF = re.compile(
    r"^(?:(?:copy[ _]of|kopie[ _]v[ao]n|c[o\u00f3]pi[ae][ _]d[ei]|kopia?[ _]a[fv])[ _])+", re.IGNORECASE
)
_UNIT = r"(?:lesson|lektion|week|hw|homework|assignment|lab|exercise|unit|module|part|day|session|task|project|sheet)s?"
_NUMBERED = re.compile(rf"{_UNIT}[ _.-]*\d{{1,2}}(?!\d)", re.IGNORECASE)
_LESSON = re.compile(r"(?<![a-z])lesson[ _-]*(\d{1,2})(?!\d)", re.IGNORECASE)
_STRUCTURE = re.compile(
    rf"(?:{_UNIT}|submitted(?:[ _-]files?)?|submissions?|submission attachment\(s\)|handed[ _-]?in|hand[ _-]?ins?"
    r"|working[ _-]files|notebooks?|downloads?"
    r"|exports?|archives?|all|files|src|code|data|images?|img|figures?|assets|resources"
    r"|my[ _-]?lessons|lessons?|minigooglenet|autograded|students?)"
    r"[ _-]*\d{0,2}",
    re.IGNORECASE,
)
_SECTION = re.compile(r"(?:section|class|group|tutorial|seminar|course|cohort|team)\b.*", re.IGNORECASE)
_VERSION = re.compile(
    r"(?:draft|final|old|new|backup|my|mine|test|scratch|notes?|done|solved|finished|attempt|try|version|v|answers?|temp"
    r"|tmp|wip|original|latest|first|second|last|copy|notebook|part|untitled|checkpoint)?[ _-]*\d{0,2}",
    re.IGNORECASE,
)


class Named(NamedTuple):
    """Parts of a name: the student, the rest of the name, and the platform's ID of the student."""

    student: str
    rest: str
    id: str = ""


@functools.cache
def stems() -> dict[str, str]:
    """Return {stem of a lesson's notebook: number of the lesson}, {"03_gradients": "03", ...}."""
    known = {number.partition(".")[0] for number in everything()}
    try:
        names = [path.stem for path in handout.folder().glob("[0-9][0-9]_*.ipynb")]
    except FileNotFoundError:
        names = []
    return {stem: stem[:2] for stem in names if stem[:2] in known}


def clean(name: str) -> str:
    """Return a name in normal form C, without outer spaces; control characters stay, and are displayed as escapes."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", name)).strip(" ")


def without_copy(stem: str) -> str:
    """Return a name without the marks of a copy: "-Copy1", " (1)", " - Copy", "Copy of ", "Kopie von "."""
    return _COPY.sub("", _COPY_OF.sub("", stem, count=1)) or stem


def own_lesson(name: str) -> tuple[str | None, str]:
    """Return (number of the lesson whose notebook name occurs in a name, rest of the name), or (None, the name)."""
    for stem, number in stems().items():
        match = re.search(rf"(?<!\d){'[ _-]'.join(map(re.escape, stem.split('_')))}(?![a-z])", name, re.IGNORECASE)
        if match:
            return number, _joined(name[: match.start()], name[match.end() :])
    return None, name


def numbered_lesson(name: str) -> str | None:
    """Return the number of the lesson in a name such as "03_ada", "Lesson 3" or "03", or None."""
    match = re.match(r"(\d\d)(?=_[a-z]|$)", name, re.IGNORECASE) or _LESSON.search(name)
    number = match and match[1].zfill(2)
    return number if number in set(stems().values()) else None


def parse_platform_name(name: str) -> Named | None:
    """Return the parts of a name that a learning platform gave to a file or folder, or None."""
    for pattern in SYSTEMS:
        if match := pattern.fullmatch(name):
            rest = re.sub(r"-\d{1,2}$", "", match["rest"])
            return Named(clean(match["student"]), rest, match.groupdict().get("id", ""))
    return None


def received(name: str) -> datetime.datetime | None:
    """Return the time in a file name of Blackboard or Brightspace, in the time zone of this machine, or None."""
    try:
        if match := _ATTEMPT.search(name):
            return datetime.datetime(*map(int, match.groups())).astimezone()
        if (match := _RECEIVED.search(name)) and match[1].lower() in _MONTHS:
            month, hour = _MONTHS.index(match[1].lower()) + 1, int(match[4]) % 12 + 12 * (match[6].lower() == "p")
            return datetime.datetime(int(match[3]), month, int(match[2]), hour, int(match[5])).astimezone()
    except (ValueError, OverflowError, OSError):  # the 31st of June
        return None
    return None


def marked_late(name: str) -> bool:
    """Return whether Canvas marked a file as late."""
    return _LATE.fullmatch(name) is not None


def parse_file_name(stem: str) -> Named:
    """Return the parts of a file name without its ending; if no rule matches, it is the name of the student."""
    stem = clean(stem)
    if named := parse_platform_name(stem):
        return named
    stem = without_copy(stem)
    parts = [part for part in stem.split(" - ") if not structural(part) and own_lesson(part)[1] == part]
    if " - " in stem and parts:
        return Named(parts[0], stem)
    for rest in (own_lesson(stem)[1], _LESSON.sub("", stem, count=1).strip(" _-.")):
        rest = rest[1:-1].strip() if re.fullmatch(r"\([^()]+\)", rest) else rest
        if rest != stem and rest:
            return Named(rest, stem)
    return Named(stem, stem)


def student_of_folder(name: str) -> str | None:
    """Return the owner of a folder, or None if its name is that of a lesson, an assignment or a course."""
    name = clean(name)
    if named := parse_platform_name(name):
        return named.student
    if not re.search(r"\(\d+\)$", name):  # otherwise it may be a student with the same name
        name = without_copy(name)
    if structural(name):
        return None
    lesson, rest = own_lesson(name)
    if not lesson and " " not in name and (match := _NUMBERED.match(name)):
        lesson, rest = match[0], name[match.end() :].strip(" _-.")  # GitHub Classroom: lesson01-ada
    if not lesson and " " not in name and (match := _LESSON.search(name)):
        lesson, rest = match[1], _joined(name[: match.start()], name[match.end() :])  # ada_lesson01
    if lesson and (not rest or structural(rest)):
        return None
    return rest if lesson else name


def structural(name: str) -> bool:
    """Return whether a name is that of a lesson, a week, an assignment or a tool, and not of a student."""
    if _STRUCTURE.fullmatch(name) or re.fullmatch(r"\d{1,2}", name):
        return True
    if own_lesson(name) != (None, name) and not own_lesson(name)[1]:
        return True
    return bool(_NUMBERED.match(name)) and (" " in name or _NUMBERED.fullmatch(name) is not None)


def section(name: str) -> bool:
    """Return whether the name of a folder may be that of a part of the class: "section A"."""
    return _SECTION.fullmatch(name) is not None


def version(name: str) -> bool:
    """Return whether a name describes a version of a file: "final", "v2", "scratch"."""
    return _VERSION.fullmatch(name.strip(" _-.")) is not None


def belongs(stem: str, student: str) -> bool:
    """Return whether a file name is a student's name and then a number or a version: "bob_07_scratch" for "bob"."""
    if stem[: len(student)].lower() != student.lower() or stem[len(student) : len(student) + 1] not in tuple(" _.-"):
        return False
    words = re.split(r"[ _.-]+", stem[len(student) :].strip(" _.-"))
    return all(re.search(r"\d", word) or version(word) or _STRUCTURE.fullmatch(word) for word in words)


def _joined(before, after):
    return " ".join(part for part in (before.strip(" _-."), after.strip(" _-.")) if part)
