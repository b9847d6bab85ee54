"""The first step of the `minigooglenet` command: ignore code and settings in the folder that it is called in.

That folder may contain files of other people. `python -m` puts it on Python's search path. Numba and Matplotlib read
settings from it, and a setting can name a folder whose compiled code is then run. In a program or a notebook that
imports this package the folder is trusted, because it belongs to the user.
"""

import os  # only os and sys, which are already loaded, because the folder is still on the search path
import sys

MARK = "MINIGOOGLENET_FORGET_FOLDER"  # set for processes that the command line starts through other libraries
SETTINGS = {".numba_config.yaml": "numba", "matplotlibrc": "matplotlib"}


def on_command_line() -> bool:
    """Return whether this process is `minigooglenet ...` or `python -m minigooglenet ...`, not a user's program."""
    if sys.argv[:1] == ["-m"]:  # Python has not found the module yet
        words = [word.removeprefix("-m") for word in sys.orig_argv]  # "-m name" and "-mname"
        return "minigooglenet" in [word.split(".")[0] for word in words]
    return os.path.splitext(os.path.basename(sys.argv[0] if sys.argv else ""))[0] == "minigooglenet"  # noqa: PTH119, PTH122


def forget_the_folder() -> None:
    """Remove the current folder and relative entries from the search path, and read no settings from the folder."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 (pathlib is not loaded yet)
    try:
        folder = os.path.realpath(".")
    except OSError:
        return
    unsafe = [entry for entry in sys.path if not entry or os.path.realpath(entry) == folder]
    sys.path[:] = [entry for entry in sys.path if entry not in unsafe]
    if folder == os.path.realpath(home):  # a checkout that is not installed
        sys.path.append(home)
    read_settings_before(folder)


def read_settings_before(folder) -> None:
    """Load libraries that would read settings in this folder while another folder is the current one."""
    before = os.getcwd()  # noqa: PTH109
    for file, module in SETTINGS.items():
        if os.path.lexists(os.path.join(folder, file)):  # noqa: PTH118
            os.chdir(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
            try:
                __import__(module)
            except Exception:
                pass  # Numba may be missing; the code that needs it reports that
            finally:
                os.chdir(before)


FORGOTTEN = on_command_line() or MARK in os.environ
if FORGOTTEN:
    forget_the_folder()
