"""What a class folder means: who handed in which lesson, with which file, and a sentence about everything else.

Every file and every student ends in `handed`, in `absent` (rows without a file to run) or in `sentences`.
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

MOST_MODULES = 20  # of a student's own
MOST_TOLD = 5  # files that one sentence names
SAME_AGE = 60.0  # seconds between two files of which neither counts as the newer one


class Handed(NamedTuple):
    """A file to grade: whose, where, for which exercises, and what the staff should know about the choice."""

    student: str
    path: Path
    numbers: tuple[str, ...]
    name: str = ""  # for people
    note: str = ""
    when: float = 0.0  # it was handed in, as its name or the file says
    modules: tuple[Path, ...] = ()  # the student's own, which it may import


class Absent(NamedTuple):
    """A lesson that a student did not hand in, and why."""

    student: str
    lesson: str
    file: str
    reason: str


@dataclass
class Submission:
    """A notebook or Python file, and the lessons that it is of."""

    file: class_folder.File
    student: str
    lessons: set[str] = field(default_factory=set)
    fallback: str | None = None  # the lesson that its name or folder says, if nothing in it says one
    complete: tuple[int, int] = (0, 0)  # exercises that it checks, functions of exercises that it defines
    readable: bool = True
    empty: bool = False  # nothing in it belongs to an exercise
    note: str = ""
    when: float | None = None  # it was handed in, as a platform's export says

    @property
    def age(self):
        """When it was handed in: what the platform wrote down or into a name, or when the file was last changed."""
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
        """Return what decides between two files of a lesson, the best is the largest."""
        stem = self.file.stem
        same_age = newest - self.age <= SAME_AGE
        own = file_names.own_lesson(stem)[0] == lesson
        return (
            *(self.readable, lesson in self.lessons, same_age, self.complete, own),
            *(file_names.without_copy(stem) == stem, self.file.name.lower().endswith(".ipynb")),
            *(self.age if not same_age else 0.0, self.file.shown),
        )


@dataclass
class Collected:
    """The work of a class: files to grade, lessons that are missing, sentences for the staff."""

    handed: list[Handed] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    other_lessons: list[Submission] = field(default_factory=list)  # left out by --lesson


def lesson_number(text: str) -> str:
    """Return the number of a lesson, "01" for "1" or "01_feature_map"; raise a ValueError if there is none."""
    known = sorted({number.partition(".")[0] for number in everything()})
    digits = str(text).strip().lower().removeprefix("lesson").strip()
    number = file_names.stems().get(digits, digits.partition("_")[0].zfill(2))
    if number not in known:
        raise ValueError(f"unknown lesson {text!r}; choose from {', '.join(known)}")
    return number


def opens(path) -> bool:
    """Return whether a file is an archive that can be graded like a folder."""
    return class_folder.archive_ending(Path(path).name) is not None


def collect(folder, scratch, lesson=None, plan=None, everything_of=None) -> Collected:
    """Return what the files of a class mean.

    scratch : an empty folder for archives;  lesson : grade only this one;  plan : the course's, None for all lessons
    everything_of : the student whose files these all are
    """
    if plan and lesson and lesson not in plan.lessons:
        raise ValueError(f"lesson {lesson} does not count in this course; these do: {', '.join(plan.lessons)}")
    there = class_folder.look(folder, scratch)
    result = Collected(sentences=there.sentences)
    roster = plan.roster if plan else Roster([])
    owners = _Owners(there, roster, everything_of)
    work = [_submission(file, owners.of(file)) for file in there.programs]
    _nbgrader(there, work, result)
    if not everything_of:
        _strays(work, owners)
    work = [share for each in work for share in owners.shares(each)]
    students = {each.student for each in work} | {
        name for student in owners.known() for name in owners.members(student)
    }
    documents = defaultdict(list)
    for file in there.others:
        student = owners.of(file) if _is_handed(file) else owners.by_folder(file)
        if student is None:
            result.sentences.append(f"{file.shown} is not graded: {file.problem or file.kind}")
            continue
        for name in owners.members(student):
            documents[name].append(file)
            students.add(name)
    counting = set(plan.lessons) if plan else {number.partition(".")[0] for number in everything()}
    wanted = {lesson} if lesson else _counted(work, result, counting)
    if everything_of and plan and not wanted:
        wanted = counting  # a platform wants a result for a submission without a notebook, too
    if not wanted or not students:
        raise ValueError(_nothing(folder, there, lesson))
    silent = _roster(roster, students, result) if roster and not everything_of else set()
    alike = defaultdict(list)
    for student in sorted(students):
        alike[key_of(student)].append(repr(student))
    result.sentences += [
        f"Perhaps one student: {' and '.join(names)}. A roster with aliases makes them one."
        for key, names in alike.items()
        if key and len(names) > 1
    ]
    hidden = defaultdict(list)  # {student: what is skipped in their folder}
    for shown in there.skipped:
        place = class_folder.File(Path(), shown, tuple(shown.split("/")[:-1]), "")
        for name in owners.members(owners.by_folder(place) or ""):
            hidden[name].append(shown)
    choice = _Choice(wanted, {lesson} if lesson else counting, plan, silent, hidden)
    for student in sorted(students):
        mine = [each for each in work if each.student == student]
        _student(student, mine, documents[student], choice, result)
    if result.other_lessons:
        told = ", ".join(sorted(set().union(*(each.lessons for each in result.other_lessons))))
        count = _count(len(result.other_lessons), "file")
        why = f"because of --lesson {lesson}" if lesson else "because the lesson does not count in this course"
        result.sentences.append(f"Not graded {why}: {count} of lesson {told}")
    if there.skipped:
        some = ", ".join(there.skipped[:3]) + (", ..." if len(there.skipped) > 3 else "")
        result.sentences.append(f"Skipped {_count(len(there.skipped), 'file')} of systems and editors: {some}")
    return result


class _Choice(NamedTuple):
    """What decides which files are graded: lessons that everybody has a row for, lessons that count, the plan."""

    wanted: set
    counting: set
    plan: object
    silent: set  # students on the roster from whom nothing arrived
    hidden: dict  # {student: files of systems and editors in their folder}


def _roster(roster, students, result):
    """Add who is on the roster to the students, and say who handed in nothing or is not on it."""
    strangers = sorted(student for student in students if roster.find(student) is None)
    silent = [name for name in roster.names if name not in students]
    alike = {name: roster.alike(name, silent) for name in strangers}
    result.sentences += [
        f"{name} is not on the roster. Is it {near!r}? Add an alias." for name, near in alike.items() if near
    ]
    if unknown := [name for name, near in alike.items() if near is None]:
        result.sentences.append(f"Not on the roster: {', '.join(unknown)}.")
    there = len(roster.names) - len(silent)
    told = f" Nothing arrived from: {', '.join(silent)}." if silent else ""
    result.sentences.append(f"Roster: {there} of {_count(len(roster.names), 'student')} handed something in.{told}")
    students |= set(silent)
    return set(silent)


class _Owners:
    """Whose a file is.

    roster : of the course, perhaps empty;  everything_of : the student whose files these all are, or None
    """

    def __init__(self, there, roster, everything_of=None):
        self.there, self.roster, self.everything_of = there, roster, everything_of
        files = [*there.programs, *there.others]
        self.inside = defaultdict(list)  # {folder: the files below it}
        for file in files:
            for depth in range(len(file.parts) + 1):
                self.inside[file.parts[:depth]].append(file)
        self.programs = set(map(id, there.programs))
        self.folders = set(there.folders)
        named = [named for file in files for named in self._of_systems(file)]
        ids = defaultdict(set)
        for each in named:
            ids[each.student].add(each.id)
        self.namesakes = {student for student, those in ids.items() if len(those) > 1}
        lessons = [(part, file_names.own_lesson(file.stem)[0]) for file in there.programs for part in file.parts[:1]]
        self.numbered = any(re.fullmatch(r"\d{1,2}", part) and own and own != part.zfill(2) for part, own in lessons)
        above = [parts for parts in self.inside if parts and file_names.of_system(parts[-1]) is None]
        self.shared = {parts for parts in above if self._shared(parts)}
        self.said, self.teams = {}, {}  # {folder of a Gradescope export: who handed it in}, {their names in one: each}
        for file in [file for file in there.others if file.name == gradescope_export.NAME]:
            nobodys = not any(map(file_names.of_folder, file.parts)) or len(self.inside[file.parts]) == len(files)
            said = gradescope_export.of_file(file.path) if nobodys else {}
            if said:
                there.others.remove(file)
                there.sentences.append(f"{file.shown} says who handed in {_count(len(said), 'submission')}")
                self.said |= {(*file.parts, file_names.clean(name)): each for name, each in said.items()}
                self.shared |= {file.parts[:depth] for depth in range(1, len(file.parts) + 1)}

    def _shared(self, parts):
        """Return whether a folder belongs to several students, though its name may be anybody's."""
        if self._exported(parts):
            return True
        inside = [file for file in self.inside[parts] if id(file) in self.programs]
        if not any(file.parts == parts for file in inside):
            folders = defaultdict(set)  # {name of a file: the folders that have one}
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
                dash = file_names.of_file(file.stem)
                student = dash.student if dash.student != dash.rest else ""
                if lesson and rest and student and not file_names.version(student):
                    named[lesson].add(student)
        return any(len(students) > 1 for students in named.values())

    def _exported(self, parts):
        """Return whether what is directly in a folder has names that a learning platform gave."""
        inside = {(*file.parts, file.stem)[len(parts)] for file in self.inside[parts]}
        students = {named.student for name in inside if (named := file_names.of_system(name))}
        return len(students) > 1 or any(rule.fullmatch(name) for rule in file_names.SURE for name in inside)

    @staticmethod
    def _of_systems(file):
        return [named for name in (file.stem, *file.parts) if (named := file_names.of_system(name))]

    def _named(self, named) -> str:
        if person := self.roster.find(named.id) if named.id else None:
            return person.name
        return f"{named.student} ({named.id})" if named.student in self.namesakes else named.student

    def by_folder(self, file) -> str | None:
        """Return the student whose folder a file is in, or None."""
        if self.everything_of:
            return self.everything_of
        if said := self._exported_as(file):
            names = [self._person(person) for person in said.people]
            self.teams[" and ".join(names)] = names
            return " and ".join(names)
        for depth, part in enumerate(file.parts, 1):
            if named := file_names.of_system(part):
                return self._named(named)
            if self.numbered and depth == 1 and re.fullmatch(r"\d{1,2}", part):  # students by number
                return part
            original = file_names.without_copy(part)  # "ada (1)" is ada's if there is a folder "ada"
            part = original if (*file.parts[: depth - 1], original) in self.folders else part
            if file.parts[:depth] not in self.shared and (student := file_names.of_folder(part)):
                return student
        return None

    def _exported_as(self, file):
        """Return what a Gradescope export says about a file or the folder that it is in, or None."""
        places = [(*file.parts, file.name)] + [file.parts[:depth] for depth in range(1, len(file.parts) + 1)]
        return next((self.said[place] for place in places if place in self.said), None)

    def _person(self, person) -> str:
        found = self.roster.find(*filter(None, (person.id, person.email, person.name)))
        return found.name if found else person.name

    def members(self, student) -> list[str]:
        """Return the students that a name means, as the roster calls them: more than one if it names several."""
        if self.everything_of or student in self.teams:
            return self.teams.get(student, [student])
        if person := self.roster.within(student):
            return [person.name]
        return [person.name for person in self.roster.several(student)] or [student]

    def shares(self, work) -> list[Submission]:
        """Return a submission for each student who handed it in."""
        said, names = self._exported_as(work.file), self.members(work.student)
        shares = []
        for name in names:
            others = " and ".join(other for other in names if other != name)
            note = "; ".join(filter(None, [work.note, f"handed in together with {others}" if others else ""]))
            shares.append(replace(work, student=name, note=note, when=said.when if said else None))
        return shares

    def of(self, file) -> str:
        """Return the student whose file it is."""
        if self.everything_of:
            return self.everything_of
        named = file_names.of_system(file.stem)
        return self._named(named) if named else self.by_folder(file) or file_names.of_file(file.stem).student

    def known(self) -> set[str]:
        """Return the students that have a folder."""
        if self.everything_of:
            return {self.everything_of}
        folders = (class_folder.File(Path(), "", parts, "") for parts in self.there.folders)
        return {student for folder in folders if (student := self.by_folder(folder))}


def _submission(file, student):
    """Return a file with the lessons that it is of: by what it checks, by its own name, or by what it defines."""
    made = Submission(file, student)
    own, numbered = file_names.own_lesson(file.stem)[0], _numbered(file)
    try:
        sources = cells.read(file.path, follow=False)
        _lessons(made, sources, own, numbered)
    except (OSError, ValueError, RecursionError, MemoryError):
        made.readable = False
        made.lessons = {own or numbered} - {None}
    return made


def _numbered(file):
    """Return the lesson that a file's name or one of its folders says, or None."""
    places = [file.stem, *(part for part in reversed(file.parts))]
    return next((found for place in places if (found := _by_place(place))), None)


def _lessons(made, sources, own, numbered):
    """Note on a submission the lessons that its cells are of, and how complete it is."""
    file, known = made.file, everything()
    checked = [number for number in cells.numbers_in(sources) if number in known]
    made.complete = (len(checked), 0)
    lessons = {number.partition(".")[0] for number in checked}
    if own and (own in lessons or not lessons):
        made.lessons = {own}
    elif lessons:
        made.lessons = lessons
        if own:
            told = " and ".join(sorted(lessons))
            made.note = f"{file.name} has the name of lesson {own}, but it checks exercises of lesson {told}"
    else:
        defined = _defined(sources)
        best = defined.most_common(2)
        clear = best and (len(best) == 1 or best[0][1] > best[1][1])
        made.empty, made.fallback = not best, numbered
        made.lessons = set() if made.empty else {numbered} if numbered else {best[0][0]} if clear else set()
        made.complete = (0, best[0][1] if best else 0)


def _by_place(name):
    return file_names.own_lesson(name)[0] or file_names.numbered_lesson(name)


def _defined(sources) -> Counter:
    """Return {lesson: how many of its functions are defined}."""
    bound = set()
    for source in sources:
        found = cells.names_of(cells.plain(source))
        bound |= found[0] if found else set()
    wanted = [(number, exercise.name) for number, exercise in everything().items()]
    return Counter(number.partition(".")[0] for number, name in wanted if name in bound)


def _nbgrader(there, work, result):
    """Leave out what nbgrader keeps beside the folder of submissions."""
    tops = {parts[0] for parts in there.folders}
    if "submitted" not in tops:
        return
    config = [each for each in work if each.file.shown == "nbgrader_config.py"]
    work[:] = [each for each in work if each not in config]
    result.sentences += [f"{each.file.shown} is not graded: it is nbgrader's own file" for each in config]
    beside = tops & {"source", "release", "autograded", "feedback"}
    work[:] = [each for each in work if not each.file.parts or each.file.parts[0] not in beside]
    there.others[:] = [each for each in there.others if not each.parts or each.parts[0] not in beside]
    there.folders[:] = [parts for parts in there.folders if parts[0] not in beside]
    if beside:
        told = ", ".join(sorted(beside))
        result.sentences.append(f"Not graded: {told} next to submitted: these are nbgrader's own folders")


def _strays(work, owners):
    """Give a file outside of every folder to the student whose name it begins with: "bob_07_scratch" to bob."""
    known = owners.known()
    others = known | {each.student for each in work if not each.empty}
    for each in work:
        if owners.by_folder(each.file) is not None or each.student != file_names.clean(each.file.stem):
            continue
        others_now = (others if each.empty else known) - {each.student}
        mine = [student for student in others_now if file_names.belongs(each.file.stem, student)]
        if mine:
            each.student = max(mine, key=len)


def _counted(work, result, counting) -> set[str]:
    """Return the lessons that count for everybody: those of the course that many handed in."""
    students = defaultdict(set)
    for each in work:
        for lesson in each.lessons & counting:
            students[lesson].add(each.student)
    if not students:
        return {each.fallback for each in work} & counting
    most = max(map(len, students.values()))
    counted = {lesson for lesson, those in students.items() if len(those) >= max(most / 2, min(most, 2))}
    for lesson in sorted(set(students) - counted):
        those = sorted(students[lesson])
        told = ", ".join(those[:3]) + (", ..." if len(those) > 3 else "")
        result.sentences.append(
            f"Lesson {lesson} was handed in only by {told}: it is graded for them and not missing for anybody else. "
            f"Pass --lesson {lesson} to grade it for everybody."
        )
    return counted


def _student(student, work, documents, choice, result):
    """Choose one file for each lesson of a student, and account for all others."""
    chosen: dict[int, list] = defaultdict(list)
    notes: dict[int, list] = defaultdict(list)
    modules = {id(each): _modules(each, work) for each in work}
    helpers = {path for paths in modules.values() for path in paths}  # not handed in for themselves
    helping = [each for each in work if each.file.path in helpers]
    work = [each for each in work if each.file.path not in helpers]
    told = set()
    mine = set().union(*(each.lessons for each in work)) if work else set()
    for number in sorted(choice.wanted | (mine & choice.counting)):
        those = [each for each in work if number in each.lessons]
        if not those and not mine & choice.wanted:  # a file that names no lesson counts as the class's
            those = [each for each in work if not each.lessons and each.fallback in (None, number)]
        told |= set(map(id, those))
        if those:
            best = _best(those, number, notes, choice.plan)
            chosen[id(best)].append(number)
        elif number in choice.wanted:
            nothing = "nothing arrived from this student" if student in choice.silent else "the folder is empty"
            if hidden := choice.hidden.get(student):
                nothing = f"only hidden files arrived: {', '.join(hidden[:MOST_TOLD])}"
            result.absent.append(_absent(student, number, work, documents, nothing))
    for each in work:
        if id(each) in chosen:
            exercises = tuple(number for number in everything() if number.partition(".")[0] in chosen[id(each)])
            if choice.plan:
                exercises = tuple(filter(choice.plan.counts, exercises))
            own = modules[id(each)]
            with_own = f"with its own modules {', '.join(path.name for path in own)}" if own else ""
            note = "; ".join(filter(None, [*notes[id(each)], with_own, each.note]))
            result.handed.append(Handed(student, each.file.path, exercises, each.file.name, note, each.age, own))
    if chosen:
        rest = [each for each in work if id(each) not in told]
        other = [each for each in rest if each.lessons]
        result.other_lessons += other
        unused = {each.file.path for each in helping} - {path for key in chosen for path in modules[key]}
        left = [f"{each.file.shown} (it checks no exercise)" for each in rest if not each.lessons]
        left += [f"{each.file.shown} (a module of another file)" for each in helping if each.file.path in unused]
        left += [f"{file.shown} ({file.problem or file.kind})" for file in documents]
    else:
        left = [file.shown for file in [*(each.file for each in [*work, *helping]), *documents][MOST_TOLD:]]
    if left:
        more = f" and {len(left) - MOST_TOLD} more" if len(left) > MOST_TOLD else ""
        result.sentences.append(f"{student}: not graded: {', '.join(left[:MOST_TOLD])}{more}")


def _modules(importer, work) -> tuple[Path, ...]:
    """Return the student's own modules next to a notebook that it imports, also by way of one another."""
    if importer.file.stem.isidentifier() and importer.file.path.suffix == ".py":  # it may be a module itself
        return ()
    near = {each.file.stem: each.file.path for each in work if each.file.parts == importer.file.parts}
    near = {stem: path for stem, path in near.items() if path.suffix == ".py" and stem.isidentifier()}
    near = {stem: path for stem, path in near.items() if not safe_open.is_link(path)}
    found, waiting = {}, [importer.file.path] if near else []
    while waiting and len(found) < MOST_MODULES:
        try:
            text = "\n".join(cells.read(waiting.pop(), follow=False))
        except (OSError, ValueError, RecursionError, MemoryError):
            continue
        words = set(
            re.findall(r"\w+", " ".join(re.findall(r"^[ \t]*(?:from|import)[ \t]([^\n#]+)", text, re.MULTILINE)))
        )
        new = {stem: path for stem, path in near.items() if stem in words and stem not in found}
        found |= new
        waiting += new.values()
    return tuple(path for _, path in sorted(found.items()))


def _best(those, number, notes, plan):
    """Return the file of a lesson that is graded, and note the choice."""
    in_time = _in_time(those, number, plan)
    newest = max(each.age for each in in_time)
    best = max(in_time, key=lambda each: each.rank(number, newest))
    rest = [each for each in those if each is not best]
    if rest:
        same = [each for each in rest if each in in_time]
        rule = _rule(best, same, number) if same else "the only one"
        rule += "" if len(in_time) == len(those) else " in time"
        shown = ", ".join(sorted(each.file.shown for each in rest))
        notes[id(best)].append(
            f"{len(those)} files of lesson {number} arrived; graded: {best.file.shown}, {rule}; not graded: {shown}"
        )
    return best


def _in_time(those, number, plan):
    """Return the files among which one is chosen: all, or those in time if the course prefers them and there are."""
    due = plan.due(those[0].student, number) if plan and plan.late and plan.late.copies == ON_TIME else None
    if due is None:
        return those
    in_time = [each for each in those if each.readable and not plan.late.days_late(when_of(each.age), due)]
    return in_time or those


def _rule(best, rest, lesson):
    """Return in words why a file was chosen."""
    if not best.readable:
        return "none can be read"
    if all(best.age - each.age > SAME_AGE for each in rest if each.readable):
        return "the newest" if any(each.readable for each in rest) else "the one that can be read"
    if all(best.complete > each.complete for each in rest):
        return "the most complete of the same age"
    own = file_names.own_lesson(best.file.stem)[0] == lesson
    return "which has the lesson's own name" if own else "which is not a copy by its name, or the last by name"


def _absent(student, lesson, work, documents, nothing) -> Absent:
    told = [f"{each.file.shown} is of lesson {' and '.join(sorted(each.lessons)) or '?'}" for each in work]
    told += [f"{file.shown} arrived: {file.problem or f'it is {file.kind}'}" for file in documents]
    reason = "; ".join([f"no notebook of lesson {lesson}", *(told[:MOST_TOLD] or [nothing])])
    if any(not file.staff for file in documents) and not work:
        reason += ". Hand in the notebook (.ipynb) or a .py file"
    name = next((each.name for each in [*(each.file for each in work), *documents]), "")
    return Absent(student, lesson, name, reason)


def _is_handed(file):
    """Return whether a file's name is a student's: of a notebook's or a document's form, or a folder that is closed."""
    lower = file.name.lower()
    if lower == "index.html":  # of a platform's download
        return False
    if file_names.of_system(file.stem):
        return True
    known = lower.endswith((*class_folder.PROGRAMS, *class_folder.HANDED)) or class_folder.archive_ending(lower)
    return bool(known) or (bool(file.problem) and (file.folder or not file.staff))


def _nothing(folder, there, lesson):
    kinds = Counter(file.kind for file in there.others)
    if not (kinds or there.programs or there.folders or there.skipped):
        return f"{folder} is empty."
    told = f" It contains {', '.join(f'{count} x {kind}' for kind, count in kinds.most_common(5))}." if kinds else ""
    advice = "" if lesson else " Pass the lesson, such as --lesson 03."
    return f"{folder} has no notebook of a lesson with exercises.{told}{advice}"


def _count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"
