"""The files of a class folder: folders and archives are opened, and what no student wrote is left out."""

import contextlib
import os
import tarfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from minigooglenet.course import names
from minigooglenet.course.reading import looks_like_notebook

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_MEMBERS = 2_000  # of an archive
MOST_UNPACKED = 1 << 30  # bytes of one archive
MOST_MEMBER = 256 << 20
DEEPEST = 12  # folders and archives inside one another
JUNK = ("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini", "timestamp.txt", "comments.txt")
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
    """

    path: Path
    shown: str
    parts: tuple[str, ...]
    stem: str
    problem: str = ""

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


def look(folder, scratch) -> Arrived:
    """Return what a folder or an archive contains; archives are unpacked below the folder `scratch`."""
    found = Arrived()
    if Path(folder).is_dir():
        _folder(Path(folder), (), found, Path(scratch))
    else:
        _archive(Path(folder), (), found, Path(scratch), parts=())
    return found


def _folder(folder, parts, found, scratch):
    if len(parts) > DEEPEST:
        found.sentences.append(f"{'/'.join(parts)}: folders deeper than {DEEPEST} are not read")
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        found.sentences.append(f"{'/'.join(parts)} cannot be read: {error.strerror or error}")
        return
    for path in entries:
        shown = "/".join((*parts, names.clean(path.name)))
        if path.name.startswith((".", "~$")) or path.name in JUNK:
            found.skipped.append(shown)
        elif path.is_dir():
            if path.is_symlink():
                found.sentences.append(f"{shown} is a link to a folder, which is not followed")
                continue
            found.folders.append((*parts, names.clean(path.name)))
            _folder(path, (*parts, names.clean(path.name)), found, scratch)
        elif not path.is_file() and not path.is_symlink():
            found.sentences.append(f"{shown} is not a file")
        elif archive_ending(path.name):
            _archive(path, parts, found, scratch)
        else:
            _file(path, shown, parts, found)


def _file(path, shown, parts, found):
    name = names.clean(path.name)
    lower = name.lower()
    at = lower.find(".ipynb")
    ending = next((ending for ending in PROGRAMS if lower.endswith(ending)), None)
    stem = name[:at] if at > 0 else name[: len(name) - len(path.suffix)]
    file = File(path, shown, parts, stem)
    if ending or (not path.is_symlink() and (at > 0 or path.suffix in (".json", ".txt")) and _is_notebook(path)):
        found.programs.append(file)
    else:
        found.others.append(file)


def _is_notebook(path):
    try:
        with path.open("rb") as file:
            data = file.read(1 << 20)
    except OSError:
        return False
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return looks_like_notebook(data.decode(encoding, errors="ignore"))


def archive_ending(name: str) -> str | None:
    """Return the ending of an archive that can be opened, or None."""
    return next((ending for ending in ARCHIVES if name.lower().endswith(ending)), None)


def _archive(path, above, found, scratch, parts=None):
    name = names.clean(path.name)
    stem = name[: len(name) - len(archive_ending(name) or "")].removesuffix(".ipynb")
    shown = "/".join((*above, name))
    parts = (*above, names.without_copy(stem)) if parts is None else parts
    target = scratch / str(len(list(scratch.iterdir())))
    target.mkdir()
    try:
        if path.is_symlink():
            raise ValueError("it is a link to another file, which is not followed")
        unpack(path, target)
    except Exception as error:  # whatever an archive made for the purpose brings about
        told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        found.others.append(File(path, shown, above, stem, f"it cannot be unpacked: {told[:200]}"))
        return
    before = len(found.programs) + len(found.others)
    if parts:
        found.folders.append(parts)
    _folder(target, parts, found, scratch)
    if len(found.programs) + len(found.others) == before:
        found.others.append(File(path, shown, above, stem, "it is empty"))


def unpack(path, target) -> None:
    """Unpack the regular files of an archive into a folder, within limits, each where its name says or nowhere."""
    total = 0
    with contextlib.closing(_members(path)) as members:
        for count, (name, when, size, opened) in enumerate(members):
            total += size
            if count >= MOST_MEMBERS or size > MOST_MEMBER or total > MOST_UNPACKED:
                raise ValueError(f"it is too large: more than {MOST_MEMBERS:,} files or {MOST_UNPACKED:,} bytes")
            parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
            parts = [part.replace(":", "_") for part in parts]
            if not parts or any(part.startswith(".") or part in JUNK for part in parts):
                continue
            place = Path(target, *parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            with opened() as source, place.open("wb") as file:
                data = source.read(size + 1)
                if len(data) > size:
                    raise ValueError("a file in it is larger than the archive says")
                file.write(data)
            with contextlib.suppress(OSError, OverflowError, ValueError):
                os.utime(place, (when, when))


def _members(path):
    """Yield (name, time, size, function that opens it) of an archive's regular files."""
    if archive_ending(path.name) == ".zip":
        with zipfile.ZipFile(path) as file:
            for member in file.infolist():
                if member.flag_bits & 1:
                    raise ValueError("it has a password")
                if not member.is_dir():
                    when = time.mktime((*member.date_time, 0, 0, -1))
                    yield member.filename, when, member.file_size, lambda member=member: file.open(member)
    else:
        with tarfile.open(path) as file:
            for member in file:
                if member.isfile():
                    yield member.name, member.mtime, member.size, lambda member=member: file.extractfile(member)
