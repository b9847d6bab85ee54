"""The program of one worker: train with the others, in the folder of the run if it is worker 0."""

import hashlib
import platform
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from minigooglenet import parallel
from minigooglenet.distributed.group import Group, check_same
from minigooglenet.distributed.sharded import ShardedTrainer
from minigooglenet.training.display import Display
from minigooglenet.training.lock import Hold
from minigooglenet.training.progress import run_in_folder
from minigooglenet.training.recipe import Recipe
from minigooglenet.training.run_files import CHECKPOINT


def train(recipe: Recipe, out: Path, group: Group, *, resume: bool, display: Display) -> bool:
    """Train the recipe with all workers of a group; return False if the run was stopped and saved.

    Every worker calls this. Worker 0 locks the folder, writes all files and reports on its display.

    Raises
    ------
    ValueError
        If the workers differ in anything that determines the result.
    """
    make = partial(ShardedTrainer, group=group)
    with Hold(out) as hold:
        if group.rank == 0:
            trainer = recipe.trainer(out, partial(display.status, "bytes"), hold, make)
        else:
            trainer = recipe.trainer(None, make=make)
        agree = partial(_agree, trainer, out)
        if group.rank == 0:
            return run_in_folder(trainer, display, resume=resume, ready=agree)
        agree()
        return trainer.run()


def _agree(trainer, out):
    """Let the other workers continue from the checkpoint that worker 0 has read, and check that all of them agree."""
    group = trainer.group
    if group.gather(np.array([trainer.step or len(trainer.epochs)])).any() and group.rank:
        trainer.follow(out / CHECKPOINT)
    check_same(group, facts(trainer))


def facts(trainer: ShardedTrainer) -> dict[str, Any]:
    """Return what must be equal in all workers, because it determines the bits of the result."""
    state = trainer.state_dict(copy=False)
    arrays = hashlib.sha256()
    for array in (*state["params"].values(), *state["buffers"].values(), *state["velocity"].values()):
        arrays.update(np.ascontiguousarray(array))
    run = {}
    for name, value in state["run"].items():  # settings one by one, so that an error names the one that differs
        several = name in ("settings", "recipe") and isinstance(value, dict)
        entries = {f"{name} {key}": part for key, part in value.items()} if several else {name: value}
        run |= {key: _short(part) for key, part in entries.items()}
    return {**program(), "dtype": str(trainer.layout.dtype), "step": trainer.step, "weights": _short(arrays), **run}


def program() -> dict[str, str]:
    """Return the versions and the processor that determine the bits of a computation."""
    import minigooglenet

    blas = sorted({f"{lib['internal_api']} {lib['version']} {lib.get('architecture')}" for lib in _blas()})
    versions = {"minigooglenet": minigooglenet.__version__, "NumPy": np.__version__, "BLAS": ", ".join(blas)}
    try:
        import llvmlite.binding
        import numba
    except ImportError:
        return {**versions, "processor": platform.machine()}
    return {**versions, "Numba": numba.__version__, "processor": str(llvmlite.binding.get_host_cpu_name())}


def _blas():
    with parallel.computing():
        return threadpoolctl.ThreadpoolController().select(user_api="blas").info()


def _short(value):
    digest = value if hasattr(value, "hexdigest") else hashlib.sha256(repr(value).encode())
    return digest.hexdigest()[:12] if len(repr(value)) > 40 else value
