"""Progress of a training run in a log, on a terminal and in a notebook, and the header before it starts."""

import io
import sys
import types

import pytest
from rich.console import Console
from small import graph, split

import minigooglenet as mg
from minigooglenet.training import Settings, Trainer, progress, run_with_progress
from minigooglenet.training.display import Display, kind

SHORT = Settings(epochs=2, batch_size=6)


class _Terminal(io.StringIO):
    def isatty(self):
        return True


class _Clock:
    """A clock that advances by `tick` seconds at each call."""

    def __init__(self, tick=0.0):
        self.now, self.tick = 0.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    """Set the environment of an ordinary shell."""
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def _log(**settings):
    stream = io.StringIO()
    return stream, Display(Console(file=stream, width=80), **settings)


@pytest.mark.parametrize("force", ["", "1"])
def test_log_gets_plain_lines_without_control_codes(monkeypatch, force):
    monkeypatch.setenv("FORCE_COLOR", force)
    stream, display = _log()
    assert run_with_progress(Trainer(graph(), split(), SHORT), display)
    text = stream.getvalue()
    assert all(character.isprintable() or character == "\n" for character in text)
    lines = text.splitlines()
    assert [line[:9] for line in lines if line.startswith("epoch")] == ["epoch   1", "epoch   2"]
    assert all(lines)


def test_control_characters_in_names_are_escaped():
    stream, display = _log()
    display.line("the file has the classes a\x1b[2Jb, c\rd")
    assert stream.getvalue() == "the file has the classes a\\x1b[2Jb, c\\rd\n"


def test_log_gets_a_status_at_growing_intervals():
    stream, display = _log(clock=_Clock(tick=1.0))
    with display:
        for done in range(1, 301):
            display.status("step", done, 300, "loss 1.000")
    lines = stream.getvalue().splitlines()
    steps = [int(line.split()[1]) for line in lines]
    assert lines[0] == "step 11 of 300: loss 1.000"
    assert steps == [11, 31, 71, 131, 191, 251]


def test_terminal_gets_a_bar_and_the_same_lines():
    stream = _Terminal()
    display = Display(Console(file=stream, width=100, force_terminal=True))
    assert display.kind == "terminal"
    run_with_progress(Trainer(graph(), split(), SHORT), display)
    assert "\x1b" in stream.getvalue()
    assert "epoch   2: loss" in stream.getvalue()
    assert "Network:" in stream.getvalue()


def test_narrow_terminal_wraps_words_but_not_paths():
    stream = _Terminal()
    display = Display(Console(file=stream, width=40, force_terminal=True))
    with display:
        display.line("epoch   1: loss 1.807, accuracy 38.5%; held-out loss 1.544, accuracy 49.86%")
        display.line(f"written: {'long/' * 20}weights.safetensors", whole=True)
    lines = stream.getvalue().splitlines()
    assert any(line.rstrip().endswith("accuracy 38.5%;") for line in lines)
    assert any(f"{'long/' * 20}weights.safetensors" in line for line in lines)


@pytest.mark.parametrize(("variable", "value"), [("TERM", "dumb"), ("TERM", "unknown"), ("JPY_PARENT_PID", "1")])
def test_terminal_without_rewriting_is_a_log(monkeypatch, variable, value):
    assert kind(_Terminal()) == "terminal"
    monkeypatch.setenv(variable, value)
    assert kind(_Terminal()) == "log"


def test_command_of_a_notebook_kernel_is_a_log(monkeypatch):
    for name, value in {"TERM": "xterm-color", "GIT_PAGER": "cat", "CLICOLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert kind(_Terminal()) == "log"


def test_notebook_gets_one_changing_line(monkeypatch, capsys):
    shown, updates = [], []

    class Handle:
        def update(self, data, raw):
            updates.append(data["text/plain"])

    def display(data, raw, display_id):
        shown.append(data["text/plain"])
        return Handle()

    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    run_with_progress(Trainer(graph(), split(), SHORT))
    assert len(shown) == 1
    assert updates[-1].startswith("step 8 of 8: epoch 2 of 2, loss ")
    printed = capsys.readouterr().out
    assert "epoch   2: loss" in printed
    assert "\x1b" not in printed
    assert "\r" not in printed


def test_real_notebook_kernel_shows_progress(tmp_path):
    nbformat, client = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("sklearn")
    code = (
        "from minigooglenet import data, models, training\n"
        "trainer = training.Trainer(models.mini_googlenet(in_channels=1, width=0.25, depth=2, rng=0),\n"
        "                           data.load('digits'), training.Settings(epochs=1, batch_size=400))\n"
        "training.run_with_progress(trainer)"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    outputs = book.cells[0].outputs
    text = "".join(output.get("text", "") for output in outputs if output.output_type == "stream")
    (status,) = [output.data["text/plain"] for output in outputs if output.output_type == "display_data"]
    assert "Network: " in text
    assert "epoch   1: loss" in text
    assert status.startswith("step 4 of 4: ")


def test_header_shows_sizes_parameters_and_macs():
    g, images = graph(), split()
    text = "\n".join(progress.header(Trainer(g, images, Settings(epochs=3, batch_size=6, warmup=0.5, patience=2))))
    assert "20 training images in 2 classes, 20 held out; image size 1 x 8 x 8." in text
    assert f"{mg.count(g).params:,} parameters, {mg.count(g).macs:,} MACs per image and forward pass" in text
    assert "3 epochs of 4 steps, 6 images each; sgd, learning rate 0.05, schedule polynomial" in text
    assert "after 0.5 epochs of warm-up, at most 2 epochs without improvement on held-out images" in text
    text = "\n".join(progress.header(Trainer(g, images, Settings(epochs=3, batch_size=6, warmup=1))))
    assert "after 1 epoch of warm-up" in text


def test_expected_time_is_estimated_from_measured_steps():
    stream, display = _log()
    trainer = Trainer(graph(), split(120), Settings(epochs=4, batch_size=6))  # 10 steps per epoch, 60 held-out images
    report = progress.Progress(trainer, display, clock=_Clock(tick=12.0))
    for number in range(7):
        report.on_step(mg.training.Step(number, 40, 1.0, 0.5))
    (line,) = stream.getvalue().splitlines()
    # 34 steps of 12 s, and 4 times 60 held-out images at a third of 2 s each: 568 s.
    assert line.startswith("Expected: about 9 minutes for 34 more steps, estimated from steps 2 to 6 (12 s per step;")


@pytest.mark.parametrize("images", [2, 8])
def test_short_run_has_an_expected_time(images):
    stream, display = _log()
    run_with_progress(Trainer(graph(), split(images), Settings(epochs=1, batch_size=4)), display)
    assert stream.getvalue().count("Expected: ") == 1


def test_heads_larger_than_the_network_cause_a_warning():
    g = mg.models.mini_googlenet(10, size=224, aux=True, init="zeros")
    (line,) = progress.large_heads(g)
    total, rest = mg.count(g).params, mg.count(g, outputs=[g.outputs[-1]]).params
    assert total - rest > 5_300_000
    assert f"'loss1/classifier' has {total - rest:,} parameters, the rest of the network {rest:,}." in line
    assert "because the images are 224 x 224. Leave out --heads, or use smaller images" in line
    assert progress.large_heads(mg.models.mini_googlenet(10, size=32, aux=True, init="zeros")) == []
    assert progress.large_heads(mg.models.googlenet(init="zeros")) == []
