"""Submissions in a class folder: which student handed in which lesson, with which file.

Every file and every student ends up in `to_grade`, in `absent` (rows without a file to run) or in `sentences`.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from minigooglenet.course import cells, safe_open
from minigooglenet.course.grading import class_folder, file_names, gradescope_export
from minigooglenet.course.plan import ON_TIME, when_of
from minigooglenet.course.roster import Roster, key_of
from minigooglenet.exercises.find import everything

MOST_MODULES = 20  # modules of one student
MOST_LISTED = 5  # files in one sentence
SAME_AGE = 60.0  # seconds; two files that are closer in time have the same age


class FileToGrade(NamedTuple):
    """A file to grade: its student, its path, its exercises, and a note for the staff about the choice."""

    student: str
    path: Path
    numbers: tuple[str, ...]
    name: str = ""  # displayed name
    note: str = ""
    when: float = 0.0  # time of submission, according to the name or the file
    modules: tuple[Path, ...] = ()  # the student's own modules that it may import


class Absent(NamedTuple):
    """A lesson that a student did not hand in, and why."""

    student: str
    lesson: str
    file: str
    reason: str


@dataclass
class Submission:
    """A notebook or Python file, and the lessons that it belongs to."""

    file: class_folder.File
    student: str
    lessons: set[str] = field(default_factory=set)
    fallback: str | None = None  # lesson according to its name or folder, used if its contents do not decide
    complete: tuple[int, int] = (0, 0)  # number of exercises that it checks, number of their functions that it defines
    readable: bool = True
    empty: bool = False  # nothing in it belongs to an exercise
    note: str = ""
    when: float | None = None  # time of submission in a platform's export

    @property
    def age(self):
        """Time of submission: from the platform's export or a file name, otherwise the file's modification time."""
        if self.when is not None:
            return self.when
        for name in (self.file.stem, *reversed(self.file.parts)):
            if when := file_names.received(name):
                return when.timestamp()
        try:
            return self.file.path.stat(follow_symlinks=False).st_mtime
        except OSError:
            return 0.0

    def rank(self, lesson, newest):
        """Return the sort key that decides between several files of a lesson; the largest is the best."""
        stem = self.file.stem
        same_age = newest - self.age <= SAME_AGE
        named = file_names.own_lesson(stem)[0] == lesson
        return (
            *(self.readable, lesson in self.lessons, same_age, self.complete, named),
            *(file_names.without_copy(stem) == stem, self.file.name.lower().endswith(".ipynb")),
            *(self.age if not same_age else 0.0, self.file.shown),
        )


@dataclass
class Collected:
    """Submissions of a class: files to grade, missing lessons, sentences for the staff."""

    to_grade: list[FileToGrade] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    other_lessons: list[Submission] = field(default_factory=list)  # not graded because of --lesson


def lesson_number(text: str) -> str:
    """Return the number of a lesson, "01" for "1" or "01_feature_map"; raise a ValueError if it does not exist."""
    known = sorted({number.partition(".")[0] for number in everything()})
    digits = str(text).strip().lower().removeprefix("lesson").strip()
    number = file_names.stems().get(digits, digits.partition("_")[0].zfill(2))
    if number not in known:
        raise ValueError(f"unknown lesson {text!r}; choose from {', '.join(known)}")
    return number


def opens(path) -> bool:
    """Return whether a file is an archive that can be graded like a folder."""
    return class_folder.archive_ending(Path(path).name) is not None


def collect(folder, scratch, lesson=None, plan=None, owner=None) -> Collected:
    """Return the submissions in a class folder.

    scratch : an empty folder for archives;  lesson : grade only this one;  plan : of the course, None for all lessons
    owner : the student who handed in every file, if the folder belongs to one student
    """
    if plan and lesson and lesson not in plan.lessons:
        raise ValueError(f"lesson {lesson} does not count in this course; choose from {', '.join(plan.lessons)}")
    contents = class_folder.read(folder, scratch)
    result = Collected(sentences=contents.sentences)
    roster = plan.roster if plan else Roster([])
    owners = _Owners(contents, roster, owner)
    work = [_submission(file, owners.owner(file)) for file in contents.programs]
    _nbgrader(contents, work, result)
    if not owner:
        _strays(work, owners)
    work = [copy for submission in work for copy in owners.copies(submission)]
    students = {submission.student for submission in work} | {
        name for student in owners.known() for name in owners.members(student)
    }
    documents = defaultdict(list)
    for file in contents.others:
        student = owners.owner(file) if _may_be_submission(file) else owners.by_folder(file)
        if student is None:
            result.sentences.append(f"{file.shown} is not graded: {file.problem or f'it is {file.kind}'}")
            continue
        for name in owners.members(student):
            documents[name].append(file)
            students.add(name)
    counting = set(plan.lessons) if plan else {number.partition(".")[0] for number in everything()}
    expected = {lesson} if lesson else _counted(work, result, counting)
    if owner and plan and not expected:
        expected = counting  # a platform needs a result for a submission without a notebook too
    if not expected or not students:
        raise ValueError(_nothing(folder, contents, lesson))
    silent = _roster(roster, students, result) if roster and not owner else set()
    alike = defaultdict(list)
    for student in sorted(students):
        alike[key_of(student)].append(repr(student))
    result.sentences += [
        f"{' and '.join(names)} may be the same student. A roster with aliases would join them."
        for key, names in alike.items()
        if key and len(names) > 1
    ]
    hidden = defaultdict(list)  # {student: skipped files in their folder}
    for shown in contents.skipped:
        file = class_folder.File(Path(), shown, tuple(shown.split("/")[:-1]), "")
        for name in owners.members(owners.by_folder(file) or ""):
            hidden[name].append(shown)
    choice = _Choice(expected, {lesson} if lesson else counting, plan, silent, hidden)
    for student in sorted(students):
        handed_in = [submission for submission in work if submission.student == student]
        _student(student, handed_in, documents[student], choice, result)
    if result.other_lessons:
        lessons = ", ".join(sorted(set().union(*(submission.lessons for submission in result.other_lessons))))
        count = _count(len(result.other_lessons), "file")
        why = f"because of --lesson {lesson}" if lesson else "because the lesson does not count in this course"
        result.sentences.append(f"Not graded {why}: {count} of lesson {lessons}")
    if contents.skipped:
        some = ", ".join(contents.skipped[:3]) + (", ..." if len(contents.skipped) > 3 else "")
        result.sentences.append(f"Skipped {_count(len(contents.skipped), 'system or editor file')}: {some}")
    return result


class _Choice(NamedTuple):
    """Inputs of the choice of files: lessons in which every student gets rows, lessons that count, the plan."""

    expected: set
    counting: set
    plan: object
    silent: set  # students on the roster without any files
    hidden: dict  # {student: files of systems and editors in their folder}


def _roster(roster, students, result):
    """Add the students of the roster, and report who handed in nothing and who is not on the roster."""
    strangers = sorted(student for student in students if roster.find(student) is None)
    silent = [name for name in roster.names if name not in students]
    alike = {name: roster.alike(name, silent) for name in strangers}
    result.sentences += [
        f"{name} is not on the roster. If this is {near!r}, add an alias." for name, near in alike.items() if near
    ]
    if unknown := [name for name, near in alike.items() if near is None]:
        result.sentences.append(f"Not on the roster: {', '.join(unknown)}.")
    count = len(roster.names) - len(silent)
    missing = f" No files from: {', '.join(silent)}." if silent else ""
    result.sentences.append(f"Roster: {count} of {_count(len(roster.names), 'student')} handed something in.{missing}")
    students |= set(silent)
    return set(silent)


class _Owners:
    """The owners of files.

    roster : of the course, may be empty;  only : the student who handed in every file, or None
    """

    def __init__(self, contents, roster, only=None):
        self.contents, self.roster, self.only = contents, roster, only
        files = [*contents.programs, *contents.others]
        self.inside = defaultdict(list)  # {folder: the files below it}
        for file in files:
            for depth in range(len(file.parts) + 1):
                self.inside[file.parts[:depth]].append(file)
        self.programs = set(map(id, contents.programs))
        self.folders = set(contents.folders)
        ids = defaultdict(set)
        for named in (named for file in files for named in self._platform_names(file)):
            ids[named.student].add(named.id)
        self.namesakes = {student for student, known in ids.items() if len(known) > 1}
        tops = [(part, file_names.own_lesson(file.stem)[0]) for file in contents.programs for part in file.parts[:1]]
        self.numbered = any(
            re.fullmatch(r"\d{1,2}", part) and number not in (None, part.zfill(2)) for part, number in tops
        )
        above = [parts for parts in self.inside if parts and file_names.parse_platform_name(parts[-1]) is None]
        self.shared = {parts for parts in above if self._shared(parts)}
        self.exported = {}  # {folder of a Gradescope export: its submission}
        self.teams = {}  # {joined names of a team: its members}
        for file in [file for file in contents.others if file.name == gradescope_export.NAME]:
            trusted = not any(map(file_names.student_of_folder, file.parts)) or len(self.inside[file.parts]) == len(
                files
            )
            exported = gradescope_export.load(file.path) if trusted else {}
            if exported:
                contents.others.remove(file)
                contents.sentences.append(f"{file.shown} names the students of {_count(len(exported), 'submission')}")
                self.exported |= {(*file.parts, file_names.clean(name)): entry for name, entry in exported.items()}
                self.shared |= {file.parts[:depth] for depth in range(1, len(file.parts) + 1)}

    def _shared(self, parts):
        """Return whether a folder belongs to several students, although its name may be that of a student."""
        if self._exported(parts):
            return True
        inside = [file for file in self.inside[parts] if id(file) in self.programs]
        if not any(file.parts == parts for file in inside):
            folders = defaultdict(set)  # {name of a file: folders that contain one}
            for file in inside:
                folder = file.parts[len(parts)]
                if not file_names.structural(folder) and not file_names.version(folder):
                    folders[file.name.lower()].add(folder)
            if folders and (file_names.section(parts[-1]) or max(map(len, folders.values())) >= 3):
                return True
        named = defaultdict(set)
        for file in inside:
            if file.parts == parts:
                lesson, rest = file_names.own_lesson(file_names.without_copy(file.stem))
                dash = file_names.parse_file_name(file.stem)
                student = dash.student if dash.student != dash.rest else ""
                if lesson and rest and student and not file_names.version(student):
                    named[lesson].add(student)
        return any(len(students) > 1 for students in named.values())

    def _exported(self, parts):
        """Return whether a learning platform named the entries of a folder."""
        inside = {(*file.parts, file.stem)[len(parts)] for file in self.inside[parts]}
        students = {named.student for name in inside if (named := file_names.parse_platform_name(name))}
        return len(students) > 1 or any(rule.fullmatch(name) for rule in file_names.SURE for name in inside)

    @staticmethod
    def _platform_names(file):
        return [named for name in (file.stem, *file.parts) if (named := file_names.parse_platform_name(name))]

    def _named(self, named) -> str:
        if person := self.roster.find(named.id) if named.id else None:
            return person.name
        return f"{named.student} ({named.id})" if named.student in self.namesakes else named.student

    def by_folder(self, file) -> str | None:
        """Return the student whose folder a file is in, or None."""
        if self.only:
            return self.only
        if exported := self._exported_as(file):
            names = [self._person(person) for person in exported.people]
            self.teams[" and ".join(names)] = names
            return " and ".join(names)
        for depth, part in enumerate(file.parts, 1):
            if named := file_names.parse_platform_name(part):
                return self._named(named)
            if self.numbered and depth == 1 and re.fullmatch(r"\d{1,2}", part):  # students by number
                return part
            original = file_names.without_copy(part)  # "ada (1)" belongs to ada if there is also a folder "ada"
            part = original if (*file.parts[: depth - 1], original) in self.folders else part
            if file.parts[:depth] not in self.shared and (student := file_names.student_of_folder(part)):
                return student
        return None

    def _exported_as(self, file):
        """Return the submission in a Gradescope export that a file or one of its folders belongs to, or None."""
        keys = [(*file.parts, file.name)] + [file.parts[:depth] for depth in range(1, len(file.parts) + 1)]
        return next((self.exported[key] for key in keys if key in self.exported), None)

    def _person(self, person) -> str:
        listed = self.roster.find(*filter(None, (person.id, person.email, person.name)))
        return listed.name if listed else person.name

    def members(self, student) -> list[str]:
        """Return the students that a name refers to, with their names on the roster; a team has several."""
        if self.only or student in self.teams:
            return self.teams.get(student, [student])
        if person := self.roster.within(student):
            return [person.name]
        return [person.name for person in self.roster.several(student)] or [student]

    def copies(self, work) -> list[Submission]:
        """Return one copy of a submission for each student of a team."""
        exported, names = self._exported_as(work.file), self.members(work.student)
        copies = []
        for name in names:
            others = " and ".join(other for other in names if other != name)
            note = "; ".join(filter(None, [work.note, f"handed in together with {others}" if others else ""]))
            copies.append(replace(work, student=name, note=note, when=exported.when if exported else None))
        return copies

    def owner(self, file) -> str:
        """Return the student that a file belongs to."""
        if self.only:
            return self.only
        named = file_names.parse_platform_name(file.stem)
        return self._named(named) if named else self.by_folder(file) or file_names.parse_file_name(file.stem).student

    def known(self) -> set[str]:
        """Return the students who have a folder."""
        if self.only:
            return {self.only}
        folders = (class_folder.File(Path(), "", parts, "") for parts in self.contents.folders)
        return {student for folder in folders if (student := self.by_folder(folder))}


def _submission(file, student):
    """Return a file with its lessons: those whose exercises it checks, that it is named after, or that it defines."""
    submission = Submission(file, student)
    named, numbered = file_names.own_lesson(file.stem)[0], _numbered(file)
    try:
        sources = cells.read(file.path, follow=False)
        _lessons(submission, sources, named, numbered)
    except (OSError, ValueError, RecursionError, MemoryError):
        submission.readable = False
        submission.lessons = {named or numbered} - {None}
    return submission


def _numbered(file):
    """Return the number of the lesson in the name of a file or of one of its folders, or None."""
    names = [file.stem, *reversed(file.parts)]
    return next((lesson for name in names if (lesson := _lesson_of_name(name))), None)


def _lessons(submission, sources, named, numbered):
    """Set the lessons of a submission and how complete it is, from its cells."""
    file, known = submission.file, everything()
    checked = [number for number in cells.numbers_in(sources) if number in known]
    submission.complete = (len(checked), 0)
    lessons = {number.partition(".")[0] for number in checked}
    if named and (named in lessons or not lessons):
        submission.lessons = {named}
    elif lessons:
        submission.lessons = lessons
        if named:
            checked_lessons = " and ".join(sorted(lessons))
            submission.note = (
                f"{file.name} is named after lesson {named}, but it checks exercises of lesson {checked_lessons}"
            )
    else:
        defined = _defined(sources)
        best = defined.most_common(2)
        clear = best and (len(best) == 1 or best[0][1] > best[1][1])
        submission.empty, submission.fallback = not best, numbered
        submission.lessons = set() if submission.empty else {numbered} if numbered else {best[0][0]} if clear else set()
        submission.complete = (0, best[0][1] if best else 0)


def _lesson_of_name(name):
    return file_names.own_lesson(name)[0] or file_names.numbered_lesson(name)


def _defined(sources) -> Counter:
    """Return {lesson: number of its functions that are defined}."""
    bound = set()
    for source in sources:
        names = cells.names_of(cells.plain(source))
        bound |= names[0] if names else set()
    functions = [(number, exercise.name) for number, exercise in everything().items()]
    return Counter(number.partition(".")[0] for number, name in functions if name in bound)


def _nbgrader(contents, work, result):
    """Remove nbgrader's own files next to its folder of submissions."""
    tops = {parts[0] for parts in contents.folders}
    if "submitted" not in tops:
        return
    config = [submission for submission in work if submission.file.shown == "nbgrader_config.py"]
    work[:] = [submission for submission in work if submission not in config]
    result.sentences += [
        f"{submission.file.shown} is not graded: it is nbgrader's configuration" for submission in config
    ]
    own_folders = tops & {"source", "release", "autograded", "feedback"}
    work[:] = [
        submission for submission in work if not submission.file.parts or submission.file.parts[0] not in own_folders
    ]
    contents.others[:] = [
        submission for submission in contents.others if not submission.parts or submission.parts[0] not in own_folders
    ]
    contents.folders[:] = [parts for parts in contents.folders if parts[0] not in own_folders]
    if own_folders:
        names = ", ".join(sorted(own_folders))
        result.sentences.append(f"Not graded: {names} next to submitted: these are folders of nbgrader")


def _strays(work, owners):
    """Assign a file outside of all folders to the student whose name it begins with: "bob_07_scratch" to bob."""
    known = owners.known()
    others = known | {submission.student for submission in work if not submission.empty}
    for submission in work:
        if owners.by_folder(submission.file) is not None or submission.student != file_names.clean(
            submission.file.stem
        ):
            continue
        others_now = (others if submission.empty else known) - {submission.student}
        owners_by_name = [student for student in others_now if file_names.belongs(submission.file.stem, student)]
        if owners_by_name:
            submission.student = max(owners_by_name, key=len)


def _counted(work, result, counting) -> set[str]:
    """Return the lessons of the course that count for every student, because many handed them in."""
    students = defaultdict(set)
    for submission in work:
        for lesson in submission.lessons & counting:
            students[lesson].add(submission.student)
    if not students:
        return {submission.fallback for submission in work} & counting
    most = max(map(len, students.values()))
    counted = {lesson for lesson, names in students.items() if len(names) >= max(most / 2, min(most, 2))}
    for lesson in sorted(set(students) - counted):
        names = sorted(students[lesson])
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        result.sentences.append(
            f"Lesson {lesson} was handed in only by {some}: it is graded for them, and other students get no row for "
            f"it. Pass --lesson {lesson} to grade it for all students."
        )
    return counted


def _student(student, work, documents, choice, result):
    """Choose one file for each lesson of a student, and report all other files."""
    chosen: dict[int, list] = defaultdict(list)
    notes: dict[int, list] = defaultdict(list)
    modules = {id(submission): _modules(submission, work) for submission in work}
    helpers = {path for paths in modules.values() for path in paths}  # modules are not graded themselves
    helping = [submission for submission in work if submission.file.path in helpers]
    work = [submission for submission in work if submission.file.path not in helpers]
    reported = set()
    lessons = set().union(*(submission.lessons for submission in work)) if work else set()
    for number in sorted(choice.expected | (lessons & choice.counting)):
        candidates = [submission for submission in work if number in submission.lessons]
        if not candidates and not lessons & choice.expected:  # a file without a lesson counts for the expected ones
            candidates = [
                submission for submission in work if not submission.lessons and submission.fallback in (None, number)
            ]
        reported |= set(map(id, candidates))
        if candidates:
            best = _best(candidates, number, notes, choice.plan)
            chosen[id(best)].append(number)
        elif number in choice.expected:
            nothing = "this student handed in nothing" if student in choice.silent else "the folder is empty"
            if hidden := choice.hidden.get(student):
                nothing = f"the only files are hidden: {', '.join(hidden[:MOST_LISTED])}"
            result.absent.append(_absent(student, number, work, documents, nothing))
    for submission in work:
        if id(submission) in chosen:
            exercises = tuple(number for number in everything() if number.partition(".")[0] in chosen[id(submission)])
            if choice.plan:
                exercises = tuple(filter(choice.plan.counts, exercises))
            imported = modules[id(submission)]
            names = f"with its own modules {', '.join(path.name for path in imported)}" if imported else ""
            note = "; ".join(filter(None, [*notes[id(submission)], names, submission.note]))
            path, name = submission.file.path, submission.file.name
            result.to_grade.append(FileToGrade(student, path, exercises, name, note, submission.age, imported))
    if chosen:
        rest = [submission for submission in work if id(submission) not in reported]
        other = [submission for submission in rest if submission.lessons]
        result.other_lessons += other
        unused = {submission.file.path for submission in helping} - {path for key in chosen for path in modules[key]}
        left = [f"{submission.file.shown} (without exercises)" for submission in rest if not submission.lessons]
        left += [
            f"{submission.file.shown} (a module that no graded file imports)"
            for submission in helping
            if submission.file.path in unused
        ]
        left += [f"{file.shown} ({file.problem or file.kind})" for file in documents]
    else:
        left = [
            file.shown for file in [*(submission.file for submission in [*work, *helping]), *documents][MOST_LISTED:]
        ]
    if left:
        more = f" and {len(left) - MOST_LISTED} more" if len(left) > MOST_LISTED else ""
        result.sentences.append(f"{student}: not graded: {', '.join(left[:MOST_LISTED])}{more}")


def _modules(importer, work) -> tuple[Path, ...]:
    """Return the student's modules next to a notebook that it imports, directly or through another module."""
    if importer.file.stem.isidentifier() and importer.file.path.suffix == ".py":  # may be a module itself
        return ()
    near = {
        submission.file.stem: submission.file.path
        for submission in work
        if submission.file.parts == importer.file.parts
    }
    near = {stem: path for stem, path in near.items() if path.suffix == ".py" and stem.isidentifier()}
    near = {stem: path for stem, path in near.items() if not safe_open.is_link(path)}
    imported, waiting = {}, [importer.file.path] if near else []
    while waiting and len(imported) < MOST_MODULES:
        try:
            text = "\n".join(cells.read(waiting.pop(), follow=False))
        except (OSError, ValueError, RecursionError, MemoryError):
            continue
        words = set(
            re.findall(r"\w+", " ".join(re.findall(r"^[ \t]*(?:from|import)[ \t]([^\n#]+)", text, re.MULTILINE)))
        )
        new = {stem: path for stem, path in near.items() if stem in words and stem not in imported}
        imported |= new
        waiting += new.values()
    return tuple(path for _, path in sorted(imported.items()))


def _best(candidates, number, notes, plan):
    """Return the file that is graded for a lesson, and add a note about the choice."""
    in_time = _in_time(candidates, number, plan)
    newest = max(submission.age for submission in in_time)
    best = max(in_time, key=lambda submission: submission.rank(number, newest))
    rest = [submission for submission in candidates if submission is not best]
    if rest:
        same = [submission for submission in rest if submission in in_time]
        rule = _rule(best, same, number) if same else "the only one"
        rule += "" if len(in_time) == len(candidates) else " on time"
        shown = ", ".join(sorted(submission.file.shown for submission in rest))
        notes[id(best)].append(
            f"{len(candidates)} files of lesson {number}; graded: {best.file.shown}, {rule}; not graded: {shown}"
        )
    return best


def _in_time(candidates, number, plan):
    """Return the candidates for a choice: all files, or the files on time if the course prefers them and has any."""
    due = plan.due(candidates[0].student, number) if plan and plan.late and plan.late.copies == ON_TIME else None
    if due is None:
        return candidates
    in_time = [
        submission
        for submission in candidates
        if submission.readable and not plan.late.days_late(when_of(submission.age), due)
    ]
    return in_time or candidates


def _rule(best, rest, lesson):
    """Return the reason why a file was chosen."""
    if not best.readable:
        return "because none can be read"
    if all(best.age - submission.age > SAME_AGE for submission in rest if submission.readable):
        return "the newest" if any(submission.readable for submission in rest) else "the one that can be read"
    if all(best.complete > submission.complete for submission in rest):
        return "the most complete of the same age"
    named = file_names.own_lesson(best.file.stem)[0] == lesson
    return "which is named after the lesson" if named else "whose name is not that of a copy, or the last by name"


def _absent(student, lesson, work, documents, nothing) -> Absent:
    others = [
        f"{submission.file.shown} is for lesson {' and '.join(sorted(submission.lessons)) or '?'}"
        for submission in work
    ]
    others += [f"{file.shown}: {file.problem or f'it is {file.kind}'}" for file in documents]
    reason = "; ".join([f"no notebook of lesson {lesson}", *(others[:MOST_LISTED] or [nothing])])
    if any(not file.staff for file in documents) and not work:
        reason += ". Hand in the notebook (.ipynb) or a .py file"
    name = next((submission.name for submission in [*(submission.file for submission in work), *documents]), "")
    return Absent(student, lesson, name, reason)


def _may_be_submission(file):
    """Return whether a file may be a submission: a notebook, a document, or a folder that cannot be read."""
    lower = file.name.lower()
    if lower == "index.html":  # part of a platform's download
        return False
    if file_names.parse_platform_name(file.stem):
        return True
    known = lower.endswith((*class_folder.PROGRAMS, *class_folder.HANDED)) or class_folder.archive_ending(lower)
    return bool(known) or (bool(file.problem) and (file.folder or not file.staff))


def _nothing(folder, contents, lesson):
    kinds = Counter(file.kind for file in contents.others)
    if not (kinds or contents.programs or contents.folders or contents.skipped):
        return f"{folder} is empty."
    found = ", ".join(f"{count} x {kind.removeprefix('a ')}" for kind, count in kinds.most_common(5))
    listing = f" It contains {found}." if kinds else ""
    advice = "" if lesson else " Pass the lesson, such as --lesson 03."
    return f"{folder} contains no notebook of a lesson with exercises.{listing}{advice}"


def _count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"
