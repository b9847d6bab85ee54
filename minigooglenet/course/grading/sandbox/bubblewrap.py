"""Bubblewrap (the program `bwrap`): if it is installed, it builds the same root folder and namespaces as `root`."""

import os
from pathlib import Path

from minigooglenet.course.grading.sandbox import linux, root

# Where systems install programs. PATH is not searched: other users may be able to write to a folder on it.
PATHS = ("/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap")


def program() -> str | None:
    """Return the path of bwrap if it belongs to root and nobody else can change it, or None."""
    for path in PATHS:
        try:
            status = os.stat(path)  # noqa: PTH116 (the file that a link leads to)
        except OSError:
            continue
        if status.st_uid == 0 and not status.st_mode & 0o022 and os.access(path, os.X_OK):
            return path
    return None


def command(words, folder, readable, writable) -> list[str]:
    """Return the command that runs another command inside bubblewrap.

    folder : working folder;  readable : what it may read;  writable : what it may write before it seals the sandbox
    """
    rights = ["CAP_SYS_ADMIN"]  # to seal the sandbox; afterwards every right is dropped
    spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() == 0:
        rights += ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH"]
    else:
        spaces += ["--unshare-user"]
    line = [program(), "--die-with-parent", *spaces, "--cap-drop", "ALL"]
    for right in rights:
        line += ["--cap-add", right]
    for path in root.visible(path for path in readable if not path.startswith("/proc")):
        line += ["--ro-bind-try", path, path]
    for path in root.DEVICES:
        line += ["--dev-bind-try", path, path]
    line += ["--proc", "/proc"]
    for path in (*root.visible(path for path in writable if Path(path).is_dir()), folder):
        line += ["--bind", path, path]
    return [*line, "--chdir", folder, "--", *words]


def usable() -> bool:
    """Return whether bwrap may be tried here: it refuses to run as another user with rights of root."""
    return program() is not None and (os.geteuid() == 0 or linux.rights() == 0)
