"""Removal of folders with untrusted contents: any depth, names of any length, any permissions.

Recursion fails for a thousand nested folders, and a path has at most a few thousand characters. So nested folders are
first moved up to the top folder, and no removed folder is deeper than two levels. Folders are opened without following
links and used by descriptor if the system supports it, so nobody can replace one by a link in the meantime.
"""

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

PASSES = 100_000  # over the top folder; each moves one level up, and no disk limit allows so many levels
_BY_NUMBER = os.scandir in os.supports_fd and {os.open, os.unlink, os.rmdir, os.rename, os.stat} <= os.supports_dir_fd
_OPEN = sum(getattr(os, name, 0) for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"))


@contextlib.contextmanager
def temporary_folder(prefix="minigooglenet-"):
    """Create a folder, and remove it and its contents at the end, as far as they can be removed."""
    folder = tempfile.mkdtemp(prefix=prefix)
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder) -> bool:
    """Remove a folder and its contents without following links; never raise; return whether the folder is gone."""
    folder = Path(folder)
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(folder.lstat().st_mode):
            folder.chmod(stat.S_IRWXU)
            with _Folder(folder) as top:
                for _ in range(PASSES):
                    if not [True for name, is_folder in top.entries() if top.remove(name, is_folder)]:
                        break
            folder.rmdir()
    return not os.path.lexists(folder)


class _Folder:
    """A folder whose entries are removed, by descriptor or (on Windows) by path."""

    def __init__(self, path, above=None):
        self.path = path
        self.number = os.open(path, os.O_RDONLY | _OPEN, **_dir_fd(above)) if _BY_NUMBER else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.number is not None:
            os.close(self.number)

    def entries(self):
        """Return [(name, whether it is a folder)]."""
        with contextlib.suppress(OSError), os.scandir(self.path if self.number is None else self.number) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        return []

    def at(self, name):
        """Return the name of an entry, relative to `dir_fd` if there is one."""
        return name if self.number is not None else Path(self.path, name)

    def allow(self, name):
        """Give the owner of an entry all permissions, unless the entry is a link."""
        with contextlib.suppress(OSError):
            status = os.stat(self.at(name), follow_symlinks=False, **_dir_fd(self))  # noqa: PTH116 (by descriptor)
            if not stat.S_ISLNK(status.st_mode):
                os.chmod(self.at(name), stat.S_IRWXU, **_dir_fd(self))  # noqa: PTH101 (by descriptor)

    def remove(self, name, is_folder) -> bool:
        """Remove a file, or move the contents of a folder into this one; return whether anything changed."""
        if not is_folder:
            return self.unlink(name)
        self.allow(name)
        changed = False
        with contextlib.suppress(OSError), _Folder(self.at(name), self) as inside:
            for inner, inner_is_folder in inside.entries():
                if not inner_is_folder:
                    changed |= inside.unlink(inner)
                    continue
                inside.allow(inner)  # moving a folder also changes the folder itself: its ".."
                with contextlib.suppress(OSError):
                    descriptors = {"src_dir_fd": inside.number, "dst_dir_fd": self.number} if _BY_NUMBER else {}
                    new = self.at(secrets.token_hex(8))
                    os.rename(inside.at(inner), new, **descriptors)  # noqa: PTH104 (by descriptor)
                    changed = True
        with contextlib.suppress(OSError):
            os.rmdir(self.at(name), **_dir_fd(self))
            changed = True
        return changed

    def unlink(self, name) -> bool:
        """Remove a file; a read-only one is made writable first, because Windows would keep it."""
        for _ in range(2):
            try:
                os.unlink(self.at(name), **_dir_fd(self))
            except OSError:
                self.allow(name)
            else:
                return True
        return False


def _dir_fd(folder):
    return {} if folder is None or folder.number is None else {"dir_fd": folder.number}
