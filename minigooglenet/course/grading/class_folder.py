"""The files of a class folder: folders and archives are opened, and what no student wrote is left out."""

import os
import re
import stat
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from minigooglenet.course import safe_open
from minigooglenet.course.grading import file_names
from minigooglenet.course.grading.archives import DEEPEST, JUNK, Budget, archive_ending, unpack
from minigooglenet.course.reading import looks_like_notebook

MOST_ENTRIES = 20_000  # of one folder
MOST_LEFT = 2_000  # members of an archive that are not unpacked and become rows
# What a person hands in, if it is not the notebook: each becomes a row for the student that its name says.
HANDED = {
    ".pdf": "a PDF",
    ".html": "a web page",
    ".htm": "a web page",
    ".doc": "a Word document",
    ".docx": "a Word document",
    ".odt": "a text document",
    ".pages": "a Pages document",
    ".rar": "a .rar archive",
    ".7z": "a .7z archive",
    ".gz": "a compressed file",
    ".r": "an R file",
    ".m": "a MATLAB file",
}
PROGRAMS = (".ipynb", ".py")


@dataclass
class File:
    """A file that arrived.

    path : where it is now;  shown : its name for people, below the class folder;  parts : the folders above it
    stem : its name without the ending;  problem : why it cannot be opened, or ""
    staff : whether the staff must look at it, because handing in something else may not help
    folder : whether it is a folder, or a link that may lead to one
    """

    path: Path
    shown: str
    parts: tuple[str, ...]
    stem: str
    problem: str = ""
    staff: bool = False
    folder: bool = False

    @property
    def name(self):
        """The name without folders."""
        return self.shown.rpartition("/")[2]

    @property
    def kind(self):
        """What it is, for people."""
        return HANDED.get(Path(self.name).suffix.lower(), f"a {Path(self.name).suffix or 'nameless'} file")


@dataclass
class Arrived:
    """What a class folder contains."""

    programs: list[File] = field(default_factory=list)  # notebooks and Python files
    others: list[File] = field(default_factory=list)
    folders: list[tuple[str, ...]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)  # what all archives may still take
    inodes: dict = field(default_factory=lambda: defaultdict(list))  # {a file on the disk: its names}


def look(folder, scratch) -> Arrived:
    """Return what a folder or an archive contains; archives are unpacked below the folder `scratch`."""
    found = Arrived()
    if Path(folder).is_dir():
        _folder(Path(folder), (), found, Path(scratch))
    else:
        _archive(Path(folder), (), found, Path(scratch), parts=(), follow=True)
    for shown in found.inodes.values():
        if len(shown) > 1:
            found.sentences.append(f"{' and '.join(shown[:5])} are one file under {len(shown)} names (hard links)")
    return found


def _folder(folder, parts, found, scratch):
    if len(parts) > DEEPEST:
        found.sentences.append(f"{'/'.join(parts)}: folders deeper than {DEEPEST} are not read")
        return
    try:
        with os.scandir(folder) as entries:
            some = [entry for entry, _ in zip(entries, range(MOST_ENTRIES + 1), strict=False)]
    except OSError as error:
        if not parts:
            raise
        _refused(folder, parts[:-1], found, f"it is a folder that cannot be read: {_told(error)}", folder=True)
        return
    if len(some) > MOST_ENTRIES:
        found.sentences.append(f"{'/'.join(parts) or folder}: only {MOST_ENTRIES:,} entries of this folder are read")
    for entry in sorted(some[:MOST_ENTRIES], key=lambda entry: entry.name):
        try:
            _entry(Path(entry.path), parts, found, scratch)
        except (OSError, ValueError) as error:  # it vanished, or the disk cannot read it
            _refused(Path(entry.path), parts, found, f"it cannot be read: {_told(error)}")


def _told(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _refused(path, parts, found, problem, folder=False):
    """Note what cannot be opened as a file of the student whose it is: it becomes a row, or at least a sentence."""
    name = file_names.clean(path.name)
    stem = name if folder else name.partition(".ipynb")[0]
    found.others.append(File(path, "/".join((*parts, name)), parts, stem, problem, staff=True, folder=folder))


def _entry(path, parts, found, scratch):
    name = file_names.clean(path.name)
    shown = "/".join((*parts, name))
    if path.name.startswith(".") and path.name.endswith(".icloud"):
        _refused(
            path.with_name(name[1:]), parts, found, "it is a placeholder of iCloud, and the file itself is not here"
        )
        return
    if path.name.startswith((".", "~$")) or path.name in JUNK:
        found.skipped.append(shown)
        return
    status = path.lstat()
    if safe_open.is_link(path):
        _link(path, parts, found)
    elif stat.S_ISDIR(status.st_mode):
        found.folders.append((*parts, name))
        _folder(path, (*parts, name), found, scratch)
    elif not stat.S_ISREG(status.st_mode):
        _refused(path, parts, found, "it is not a file")
    elif archive_ending(path.name):
        _archive(path, parts, found, scratch)
    else:
        if status.st_nlink > 1 and status.st_ino:
            found.inodes[status.st_dev, status.st_ino].append(shown)
        _file(path, shown, parts, found)


def _link(path, parts, found):
    """Note a link as what its name says that it should be: a notebook has its row, a folder its student's rows."""
    if file_names.clean(path.name).lower().endswith(PROGRAMS):
        _file(path, "/".join((*parts, file_names.clean(path.name))), parts, found)
    else:
        _refused(path, parts, found, "it is a link, which is not followed", folder=_like_a_folder(path.name))


def _like_a_folder(name):
    return re.fullmatch(r"\.\w{1,5}", Path(name).suffix) is None


def _file(path, shown, parts, found):
    name = file_names.clean(path.name)
    lower = name.lower()
    at = lower.find(".ipynb")
    ending = next((ending for ending in PROGRAMS if lower.endswith(ending)), None)
    stem = name[:at] if at > 0 else name[: len(name) - len(path.suffix)]
    file = File(path, shown, parts, stem)
    if ending or ((at > 0 or path.suffix in (".json", ".txt", "")) and _is_notebook(path)):
        found.programs.append(file)
    else:
        found.others.append(file)


def _is_notebook(path):
    try:
        data = safe_open.head(path, 1 << 20)
    except (OSError, ValueError):
        return False
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return looks_like_notebook(data.decode(encoding, errors="ignore"))


def _archive(path, above, found, scratch, parts=None, follow=False):
    name = file_names.clean(path.name)
    stem = name[: len(name) - len(archive_ending(name) or "")].removesuffix(".ipynb")
    shown = "/".join((*above, name))
    parts = (*above, file_names.without_copy(stem)) if parts is None else parts
    target = scratch / str(found.budget.number())
    target.mkdir()
    before = len(found.programs) + len(found.others)
    try:
        left = unpack(path, target, found.budget, follow)
    except Exception as error:  # whatever an archive made for the purpose brings about
        told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        found.others.append(File(path, shown, above, stem, f"it cannot be unpacked: {told[:200]}"))
        return
    if parts:
        found.folders.append(parts)
    _folder(target, parts, found, scratch)
    if left and len(found.programs) + len(found.others) == before:
        found.others.append(File(path, shown, above, stem, f"it cannot be unpacked: {left[0][1]}"))
    for inside, reason in left[:MOST_LEFT]:
        if not inside:
            found.sentences.append(f"the rest of {shown} cannot be read: {reason}")
            continue
        folders = tuple(map(file_names.clean, inside[:-1]))[:DEEPEST]
        problem = f"it is not unpacked: {reason}"
        _refused(Path(target, inside[-1]), (*parts, *folders), found, problem, _like_a_folder(inside[-1]))
    if len(left) > MOST_LEFT:
        found.sentences.append(f"{shown}: {len(left) - MOST_LEFT:,} more members are not unpacked")
    if len(found.programs) + len(found.others) == before:
        found.others.append(File(path, shown, above, stem, "it is empty"))
