"""The first thing that `minigooglenet` does on the command line: forget the folder that it was called in.

That folder may hold anybody's files. `python -m` puts it on Python's search path; Numba and Matplotlib read their
settings from it, and such a setting can name a folder whose compiled code is then run. A program that imports this
package, or a notebook, keeps its folder: it is the user's own.
"""

import os  # nothing else, because the folder is still on the path; os and sys are loaded already
import sys

MARK = "MINIGOOGLENET_FORGET_FOLDER"  # set for processes that the command line starts through other libraries
SETTINGS = {".numba_config.yaml": "numba", "matplotlibrc": "matplotlib"}


def on_command_line() -> bool:
    """Return whether this process is `minigooglenet ...` or `python -m minigooglenet ...`, not a user's program."""
    if sys.argv[:1] == ["-m"]:  # Python is still looking for the module
        words = [word.removeprefix("-m") for word in sys.orig_argv]  # "-m name" and "-mname"
        return "minigooglenet" in [word.split(".")[0] for word in words]
    return os.path.splitext(os.path.basename(sys.argv[0] if sys.argv else ""))[0] == "minigooglenet"  # noqa: PTH119, PTH122


def forget_the_folder() -> None:
    """Take the current folder and relative entries off the search path, and read no library's settings from it."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 (pathlib is not loaded yet)
    try:
        here = os.path.realpath(".")
    except OSError:
        return
    unsafe = [entry for entry in sys.path if not entry or os.path.realpath(entry) == here]
    sys.path[:] = [entry for entry in sys.path if entry not in unsafe]
    if here == os.path.realpath(home):  # a checkout that nobody installed
        sys.path.append(home)
    read_settings_before(here)


def read_settings_before(folder) -> None:
    """Load the libraries that would read their settings from a folder, if it has such settings, from elsewhere."""
    before = os.getcwd()  # noqa: PTH109
    for file, module in SETTINGS.items():
        if os.path.lexists(os.path.join(folder, file)):  # noqa: PTH118
            os.chdir(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
            try:
                __import__(module)
            except Exception:
                pass  # Numba may be missing; whatever needs the module reports it
            finally:
                os.chdir(before)


FORGOTTEN = on_command_line() or MARK in os.environ
if FORGOTTEN:
    forget_the_folder()
