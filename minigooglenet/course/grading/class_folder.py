"""The files of a class folder: folders and archives are opened, and files of systems and editors are skipped."""

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

MOST_ENTRIES = 20_000  # in one folder
MOST_LEFT = 2_000  # members of one archive that are skipped and become rows
# Files that students hand in instead of a notebook: each becomes a row for the student in its name.
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
    """A file in a class folder.

    path : present path;  shown : displayed name, relative to the class folder;  parts : the folders above it
    stem : its name without the ending;  problem : why it cannot be opened, or ""
    staff : whether the staff must check it, because the student may not be able to fix the problem
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
        """Description of its type."""
        return HANDED.get(Path(self.name).suffix.lower(), f"a {Path(self.name).suffix or 'nameless'} file")


@dataclass
class Contents:
    """Contents of a class folder."""

    programs: list[File] = field(default_factory=list)  # notebooks and Python files
    others: list[File] = field(default_factory=list)
    folders: list[tuple[str, ...]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)  # remaining limits for archives
    inodes: dict = field(default_factory=lambda: defaultdict(list))  # {(device, inode): displayed names}


def read(folder, scratch) -> Contents:
    """Return the contents of a folder or an archive; archives are unpacked below the folder `scratch`."""
    contents = Contents()
    if Path(folder).is_dir():
        _folder(Path(folder), (), contents, Path(scratch))
    else:
        _archive(Path(folder), (), contents, Path(scratch), parts=(), follow=True)
    for shown in contents.inodes.values():
        if len(shown) > 1:
            contents.sentences.append(f"{' and '.join(shown[:5])} are {len(shown)} names of the same file (hard links)")
    return contents


def _folder(folder, parts, contents, scratch):
    if len(parts) > DEEPEST:
        contents.sentences.append(f"{'/'.join(parts)}: folders nested more than {DEEPEST} deep are not read")
        return
    try:
        with os.scandir(folder) as entries:
            some = [entry for entry, _ in zip(entries, range(MOST_ENTRIES + 1), strict=False)]
    except OSError as error:
        if not parts:
            raise
        _rejected(folder, parts[:-1], contents, f"it is a folder that cannot be read: {_message(error)}", folder=True)
        return
    if len(some) > MOST_ENTRIES:
        contents.sentences.append(f"{'/'.join(parts) or folder}: only {MOST_ENTRIES:,} entries of this folder are read")
    for entry in sorted(some[:MOST_ENTRIES], key=lambda entry: entry.name):
        try:
            _entry(Path(entry.path), parts, contents, scratch)
        except (OSError, ValueError) as error:  # it has disappeared, or the disk cannot read it
            _rejected(Path(entry.path), parts, contents, f"it cannot be read: {_message(error)}")


def _message(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _rejected(path, parts, contents, problem, folder=False):
    """Add an entry that cannot be opened to the other files, so that it becomes a row or at least a sentence."""
    name = file_names.clean(path.name)
    stem = name if folder else name.partition(".ipynb")[0]
    contents.others.append(File(path, "/".join((*parts, name)), parts, stem, problem, staff=True, folder=folder))


def _entry(path, parts, contents, scratch):
    name = file_names.clean(path.name)
    shown = "/".join((*parts, name))
    if path.name.startswith(".") and path.name.endswith(".icloud"):
        _rejected(
            path.with_name(name[1:]), parts, contents, "it is an iCloud placeholder; the file itself was not downloaded"
        )
        return
    if path.name.startswith((".", "~$")) or path.name in JUNK:
        contents.skipped.append(shown)
        return
    status = path.lstat()
    if safe_open.is_link(path):
        _link(path, parts, contents)
    elif stat.S_ISDIR(status.st_mode):
        contents.folders.append((*parts, name))
        _folder(path, (*parts, name), contents, scratch)
    elif not stat.S_ISREG(status.st_mode):
        _rejected(path, parts, contents, "it is not a file")
    elif archive_ending(path.name):
        _archive(path, parts, contents, scratch)
    else:
        if status.st_nlink > 1 and status.st_ino:
            contents.inodes[status.st_dev, status.st_ino].append(shown)
        _file(path, shown, parts, contents)


def _link(path, parts, contents):
    """Add a link as a notebook or a folder, according to its name, so that its student gets rows."""
    if file_names.clean(path.name).lower().endswith(PROGRAMS):
        _file(path, "/".join((*parts, file_names.clean(path.name))), parts, contents)
    else:
        _rejected(path, parts, contents, "it is a link, which is not followed", folder=_like_a_folder(path.name))


def _like_a_folder(name):
    return re.fullmatch(r"\.\w{1,5}", Path(name).suffix) is None


def _file(path, shown, parts, contents):
    name = file_names.clean(path.name)
    lower = name.lower()
    at = lower.find(".ipynb")
    ending = next((ending for ending in PROGRAMS if lower.endswith(ending)), None)
    stem = name[:at] if at > 0 else name[: len(name) - len(path.suffix)]
    file = File(path, shown, parts, stem)
    if ending or ((at > 0 or path.suffix in (".json", ".txt", "")) and _is_notebook(path)):
        contents.programs.append(file)
    else:
        contents.others.append(file)


def _is_notebook(path):
    try:
        data = safe_open.head(path, 1 << 20)
    except (OSError, ValueError):
        return False
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return looks_like_notebook(data.decode(encoding, errors="ignore"))


def _archive(path, above, contents, scratch, parts=None, follow=False):
    name = file_names.clean(path.name)
    stem = name[: len(name) - len(archive_ending(name) or "")].removesuffix(".ipynb")
    shown = "/".join((*above, name))
    parts = (*above, file_names.without_copy(stem)) if parts is None else parts
    target = scratch / str(contents.budget.number())
    target.mkdir()
    before = len(contents.programs) + len(contents.others)
    try:
        skipped = unpack(path, target, contents.budget, follow)
    except Exception as error:  # a forged archive may raise anything
        message = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        contents.others.append(File(path, shown, above, stem, f"it cannot be unpacked: {message[:200]}"))
        return
    if parts:
        contents.folders.append(parts)
    _folder(target, parts, contents, scratch)
    if skipped and len(contents.programs) + len(contents.others) == before:
        contents.others.append(File(path, shown, above, stem, f"it cannot be unpacked: {skipped[0][1]}"))
    for inside, reason in skipped[:MOST_LEFT]:
        if not inside:
            contents.sentences.append(f"the rest of {shown} cannot be read: {reason}")
            continue
        folders = tuple(map(file_names.clean, inside[:-1]))[:DEEPEST]
        problem = f"it was not unpacked: {reason}"
        _rejected(Path(target, inside[-1]), (*parts, *folders), contents, problem, _like_a_folder(inside[-1]))
    if len(skipped) > MOST_LEFT:
        contents.sentences.append(f"{shown}: {len(skipped) - MOST_LEFT:,} more members were not unpacked")
    if len(contents.programs) + len(contents.others) == before:
        contents.others.append(File(path, shown, above, stem, "it is empty"))
