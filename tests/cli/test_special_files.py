"""Commands report pipes, sockets, devices and broken links in one sentence, without waiting for them."""

import os
import re
import signal
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minigooglenet as mg
from minigooglenet import cli

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pipes and links that any user may make")
KINDS = {
    "pipe.png": "it is a pipe, not a file",
    "socket.png": "it is a socket, not a file",
    "zero.png": "it is a device, not a file",
    "self.png": "it is a link that leads back to itself",
    "gone.png": "link to nothing|no such file",
}
COMMANDS = {
    "image": "classify {} --weights small.safetensors",
    "weights": "classify image.png --weights {}",
    "names": "classify image.png --weights small.safetensors --labels {}",
    "evaluated": "evaluate --data digits --weights {}",
    "counted": "count {}",
    "inspected": "weights inspect {}",
    "converted": "weights convert {} out.npz",
    "checked": "check 03.4 {}",
    "fetched": "weights fetch bvlc_googlenet --out {}",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder with a network, an image and one special file of each kind; end a test that hangs."""
    monkeypatch.chdir(tmp_path)
    g = mg.models.mini_googlenet(2, in_channels=3, width=0.25, rng=0)
    mg.weights.save(g, "small.safetensors")
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save("image.png")
    os.mkfifo("pipe.png")
    Path("zero.png").symlink_to("/dev/zero")
    Path("self.png").symlink_to("self.png")
    Path("gone.png").symlink_to("nowhere")

    def late(*_):
        raise AssertionError("the command waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket.png")
        yield tmp_path
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_command_rejects_special_files(folder, capsys, command, name):
    arguments = COMMANDS[command].format(name).split()
    assert cli.main(arguments) == 1
    captured = capsys.readouterr()
    error = captured.err + captured.out
    assert re.search(KINDS[name], " ".join(error.split()))
    assert "Traceback" not in error


def test_classify_skips_special_files_in_a_folder(folder, capsys):
    (folder / "up").symlink_to(folder)
    assert cli.main(["classify", ".", "--weights", "small.safetensors"]) == 1
    captured = capsys.readouterr()
    error = " ".join((captured.err + captured.out).split())
    for reason in KINDS.values():
        assert re.search(reason, error)
    assert "image.png" in captured.out


@pytest.mark.parametrize("name", ["pipe.png", "socket.png", "self.png"])
@pytest.mark.parametrize(
    "command", ["train --data {} --out run", "train --data digits --out run --weights {}", "lessons {}"]
)
def test_folder_commands_do_not_wait_for_special_files(folder, capsys, command, name):
    assert cli.main(command.format(name).split()) in (1, 2)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["pipe", "loop"])
def test_special_file_as_output_is_rejected(folder, capsys, name):
    (folder / "pipe.png").rename("pipe")
    (folder / "loop").symlink_to("loop")
    assert cli.main(["count", "mini_googlenet", "--json", name]) == 1
    assert f"cannot write {name}: it is a " in capsys.readouterr().err
