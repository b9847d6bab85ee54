"""The jobs of a sweep on the disk: sweep.json has their values, and each job's folder has its recipe."""

import json
from collections.abc import Mapping
from pathlib import Path

from minigooglenet import files
from minigooglenet.training import recipe as recipes
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.run_files import trained
from minigooglenet.typing import PathLike

FILE = "sweep.json"


def begin(out: PathLike, values: Mapping[str, Mapping[str, str]], named: Mapping[str, Recipe]) -> None:
    """Write a sweep into the folder `out`; the same sweep may already be there.

    Parameters
    ----------
    values : {name of the job: {option: value}}
    named : {name of the job: Recipe}

    Raises
    ------
    ValueError
        If the folder contains another sweep, or a run.
    """
    out = files.make_folder(out)
    if (out / FILE).exists():
        there, before = read(out)
        different = next((name for name in named if before.get(name) != named[name]), None)
        if there != values or different is not None:
            detail = f"its jobs are {_listed(there)}" if there != values else f"the settings of {different} differ"
            raise ValueError(
                f"{out} contains another sweep: {detail}. Choose another folder, or continue it with --resume."
            )
        return
    if trained(out) or (out / recipes.FILE).exists():
        raise ValueError(f"{out} already contains a run. Choose another folder.")
    for name, recipe in named.items():
        folder = files.make_folder(out / name)
        if not (folder / recipes.FILE).exists() or recipes.read(folder) != recipe:
            recipe.write(folder)
    files.write_text(out / FILE, json.dumps({"jobs": values}, indent=1) + "\n")  # last: now the sweep is complete


def read(out: PathLike) -> tuple[dict[str, dict[str, str]], dict[str, Recipe]]:
    """Return ({job: {option: value}}, {job: Recipe}) of the sweep in a folder.

    Raises
    ------
    FileNotFoundError
        If the folder has no sweep.
    ValueError
        If sweep.json is not valid.
    """
    path = Path(out) / FILE
    try:
        values = json.loads(files.read_bytes(path))["jobs"]
        valid = all(
            isinstance(name, str) and Path(name).name == name and all(isinstance(value, str) for value in job.values())
            for name, job in values.items()
        )
    except FileNotFoundError:
        raise FileNotFoundError(f"{out} has no sweep: {FILE} does not exist") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        valid = False
    if not valid:
        raise ValueError(f"{path} is not a valid sweep. Restore the file from a copy, or use another folder.")
    return values, {name: recipes.read(Path(out) / name) for name in values}


def _listed(values):
    names = list(values)
    return ", ".join(names[:3]) + f" and {len(names) - 3} more" * (len(names) > 3)
