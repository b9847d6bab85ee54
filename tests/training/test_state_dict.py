"""`Trainer.state_dict` and `load_state_dict`: the whole run in one dict; no module uses other parts of a Trainer."""

import ast
from pathlib import Path

import numpy as np
import pytest
from small import graph, split

import minigooglenet
from minigooglenet.training import Settings, Trainer, checkpoint

PACKAGE = Path(minigooglenet.__file__).parent
SGD = Settings(epochs=3, batch_size=8, average_from=0.3)
ADAMW = Settings(epochs=3, batch_size=8, optimizer="adamw", lr=1e-3)
ADAM = Settings(epochs=3, batch_size=8, optimizer="adam", lr=1e-3, weight_decay=0.01, eps=1e-4, clip_norm=0.5)
RMSPROP = Settings(epochs=3, batch_size=8, optimizer="rmsprop", schedule="exponential", label_smoothing=0.1)


class _StopError(Exception):
    pass


def _stopped(settings, step):
    """Return a Trainer that stopped within an epoch."""

    def stop(done):
        if done.number == step:
            raise _StopError

    trainer = Trainer(graph(), split(), settings)
    with pytest.raises(_StopError):
        trainer.run(on_step=stop)
    return trainer


def _bits(trainer):
    state = trainer.state_dict()
    arrays = {(group, name): array.tobytes() for group in checkpoint.GROUPS for name, array in state[group].items()}
    values = {name: value for name, value in state.items() if name not in checkpoint.GROUPS}
    return arrays, values | {"epochs": [row[:-1] for row in values["epochs"]]}  # without the seconds


@pytest.mark.parametrize("settings", [SGD, ADAMW, ADAM, RMSPROP], ids=["sgd", "adamw", "adam", "rmsprop"])
def test_run_continued_from_state_dict_is_bit_identical(settings):
    whole = Trainer(graph(), split(), settings)
    whole.run()
    continued = Trainer(graph(), split(), settings)
    continued.load_state_dict(_stopped(settings, 3).state_dict())
    assert continued.step == 4
    continued.run()
    assert _bits(continued) == _bits(whole)


def test_state_dict_does_not_alias_the_trainer():
    trainer = _stopped(SGD, 3)
    before = _bits(trainer)
    state = trainer.state_dict()
    for group in checkpoint.GROUPS:
        for array in state[group].values():
            array += 1
    state["tally"][0], state["skipped"][0]["a"] = 99, "gone"
    assert _bits(trainer) == before


def test_loaded_state_dict_stays_unmodified():
    state = _stopped(SGD, 3).state_dict()
    before = {name: array.copy() for name, array in state["velocity"].items()}
    trainer = Trainer(graph(), split(), SGD)
    trainer.load_state_dict(state)
    trainer.run()
    assert all(np.array_equal(state["velocity"][name], before[name]) for name in before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("tally"), "its state has no 'tally'"),
        (lambda state: state.pop("velocity"), "its state has no 'velocity'"),
        (lambda state: state.update(stp=3), "its state has an unknown key 'stp'"),
        (lambda state: state.update(step=1000), "step must be an integer in"),
        (lambda state: state["params"].popitem(), "is missing"),
        (lambda state: state["params"].update(x=np.zeros(2)), "'params/x'"),
        (lambda state: state.update(mean=None), "'mean' must be an object"),
        (
            lambda state: state["run"]["settings"].update(seed=9),
            "another run: settings seed 9 there, 0 here",
        ),
    ],
    ids=["no tally", "no velocity", "odd key", "step", "lost", "odd array", "no dict", "other run"],
)
def test_rejected_state_dict_changes_nothing(change, message):
    state, trainer = _stopped(SGD, 3).state_dict(), Trainer(graph(), split(), SGD)
    before = _bits(trainer)
    change(state)
    with pytest.raises(ValueError, match=message):
        trainer.load_state_dict(state)
    assert _bits(trainer) == before


def test_checkpoint_module_uses_only_the_state():
    tree = ast.parse((PACKAGE / "training" / "checkpoint.py").read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert "trainer" not in {name.lower() for name in names}


def test_no_module_uses_private_members_of_a_trainer():
    reached = []
    private = {name for name in [*vars(Trainer), *vars(Trainer(graph(), split()))] if name.strip("_") != name}
    private = {name for name in private if not name.startswith("__")}
    assert len(private) > 5
    for path in PACKAGE.rglob("*.py"):
        if path.name == "trainer.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in private:
                of = ast.unparse(node.value)
                if "trainer" in of.lower():
                    reached.append(f"{path.name}:{node.lineno} {of}.{node.attr}")
    assert not reached


def test_training_loop_fits_on_one_page():
    text = (PACKAGE / "training" / "loop.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 120
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert [function.name for function in functions] == ["train"]
    assert "sgd_step" in text
