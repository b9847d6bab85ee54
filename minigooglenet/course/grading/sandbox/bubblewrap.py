"""Bubblewrap (the program `bwrap`), which builds the same root and namespaces as `root`, where it is installed."""

import os
from pathlib import Path

from minigooglenet.course.grading.sandbox import linux, root

# Where systems install programs. PATH is not asked: it may lead to a folder that others fill.
PLACES = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap")


def program() -> str | None:
    """Return the path of bwrap, owned by root and not to be changed by others, or None."""
    for path in PLACES:
        try:
            found = os.stat(path)  # noqa: PTH116 (the file that a link leads to)
        except OSError:
            continue
        if found.st_uid == 0 and not found.st_mode & 0o022 and os.access(path, os.X_OK):
            return path
    return None


def command(words, folder, readable, writable) -> list[str]:
    """Return the command that runs another one in a box.

    folder : where it works;  readable : what it may read;  writable : what it may write until it seals the box itself
    """
    rights = ["CAP_SYS_ADMIN"]  # to seal the box; then every right is given up
    spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() == 0:
        rights += ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH"]
    else:
        spaces += ["--unshare-user"]
    box = [program(), "--die-with-parent", *spaces, "--cap-drop", "ALL"]
    for right in rights:
        box += ["--cap-add", right]
    for path in root.visible(path for path in readable if not path.startswith("/proc")):
        box += ["--ro-bind-try", path, path]
    for path in root.DEVICES:
        box += ["--dev-bind-try", path, path]
    box += ["--proc", "/proc"]
    for path in (*root.visible(path for path in writable if Path(path).is_dir()), folder):
        box += ["--bind", path, path]
    return [*box, "--chdir", folder, "--", *words]


def usable() -> bool:
    """Return whether bwrap may be tried here: it refuses to run with rights of root's as another user."""
    return program() is not None and (os.geteuid() == 0 or linux.rights() == 0)
