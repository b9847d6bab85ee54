"""Packages that only some users need: what to install if one is missing, what an extra brings, and their files."""

import contextlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PACKAGE = "minigooglenet"


def command(extra: str) -> str:
    """Return the command that installs an extra.

    Examples
    --------
    >>> from minigooglenet import extras
    >>> extras.command("onnx")
    'pip install "minigooglenet[onnx]"'
    """
    return f'pip install "{PACKAGE}[{extra}]"'


def file_of(package: str, name: str) -> Path | None:
    """Return the path of a file in an installed package, or None. None of the package's code runs.

    Parameters
    ----------
    package : name on PyPI
    name : name of the file, without its folder

    Examples
    --------
    >>> from minigooglenet import extras
    >>> extras.file_of("numpy", "py.typed").name
    'py.typed'
    """
    try:
        files = metadata.files(package) or ()
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.name == name)
    return next((path for path in paths if path.is_file()), None)


@contextlib.contextmanager
def needed(extra: str, purpose: str) -> Iterator[None]:
    """Import optional packages inside of this: if one is missing, the error gives the command that installs it.

    Parameters
    ----------
    extra : name in pyproject.toml, such as "weights"
    purpose : what needs the package, "saving weights"

    Examples
    --------
    >>> from minigooglenet import extras
    >>> with extras.needed("course", "an example"):
    ...     import a_package_that_nobody_has
    Traceback (most recent call last):
    ModuleNotFoundError: an example needs a_package_that_nobody_has. Run: pip install "minigooglenet[course]"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "a package").partition(".")[0]
        if name == PACKAGE:
            raise
        message = f"{purpose} needs {name}. Run: {command(extra)}"
        raise ModuleNotFoundError(message, name=error.name) from None


def requirements(extra: str) -> "list[Requirement]":
    """Return what pip installs for this package with an extra on this machine, with the extras that it contains."""
    from packaging.requirements import Requirement

    lines = [Requirement(line) for line in metadata.requires(PACKAGE) or ()]
    extras, kept = [extra], {}
    for name in extras:
        for requirement in lines:
            if requirement.marker is None or requirement.marker.evaluate({"extra": name}):
                if requirement.name == PACKAGE:
                    extras += sorted(requirement.extras - {*extras})
                else:
                    kept[str(requirement)] = requirement
    return list(kept.values())
