"""The tour: count GoogLeNet, run it on a photograph, check its gradient, and train a small one, all with real data.

Each stop prints its results. If scikit-learn or a photograph is missing, the stop is skipped and the tour prints how to
get it. A requested photograph that cannot be read is an error before any work.
"""

import math
import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from minigooglenet import data, evaluation, figures, files, losses, models, training, viewer, viz, weights
from minigooglenet.console import Table, progress, show
from minigooglenet.counting import comparisons, count
from minigooglenet.gradcheck import directional_check
from minigooglenet.training.gradient_norms import norm

PHOTO_LABEL = 652  # the ImageNet class "military uniform", as in the portrait; any class would do
EPOCHS, QUICK_EPOCHS = 5, 1
# The trained network, an image to classify with it, and a page that shows both.
NETWORK, DIGIT, PAGE = "mini_googlenet_digits.safetensors", "digit.png", "network.html"


def tour(console, *, image=None, out="minigooglenet-tour", quick=False, seed=0) -> Path:
    """Take the tour and return the folder with its results.

    Parameters
    ----------
    console : rich console for the output
    image : path of a photograph (default: the portrait that comes with matplotlib)
    out : folder for weights and figures, created if necessary; results of an earlier tour are replaced
    quick : train for only one epoch
    seed : random seed for weights, dropout and the order of images

    Raises
    ------
    ValueError
        Before any work, if the photograph cannot be read or the folder cannot be created.
    """
    photo = _photo_or_default(console, image)
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # the tour ends here, before any work
        raise ValueError(f"cannot create the folder {out} for the results: {error.strerror}") from error
    net = models.googlenet(rng=seed)
    written = _counts(console, net, out)
    _savings(console)
    written += _photograph(console, net, photo, out)
    trained = _digits(console, QUICK_EPOCHS if quick else EPOCHS, seed, out)
    page = _page(console, out) if trained else []
    _farewell(console, out, [*written, *trained, *page], trained)
    return out


def _counts(console, net, out):
    _heading(console, 1, "The network, module by module")
    counted = count(net)
    main = count(net, outputs=[net.main])
    show(console, counted.table("module"))
    console.print(f"Without the auxiliary heads: {main.params:,} parameters, {main.macs:,} MACs.")
    counted.to_csv(out / "googlenet_counts.csv")
    return [out / "googlenet_counts.csv"]


def _savings(console):
    _heading(console, 2, "What the 1x1 reductions save")
    show(console, comparisons.bottleneck_table())


def _photograph(console, net, photo, out):
    _heading(console, 3, "A photograph, forward and backward")
    if photo is None:
        console.print("Skipped: no photograph is available.")
        return []
    x, labels = data.prepare(photo), np.array([PHOTO_LABEL])
    weights = losses.head_weights(net)
    with console.status(
        "loading the kernels (they are compiled on first use, which takes some seconds) ...", spinner="line"
    ):
        logits, tape = net.forward({"image": x})
        net.backward(logits, tape)
    times = {}
    with _timed(times, "inference (main output only)"):
        net(x)
    with _timed(times, "forward pass with tape, three classifiers"):
        logits, tape = net.forward({"image": x}, train=True)
    with _timed(times, "losses"):
        loss, parts, grads = losses.weighted_sum(logits, labels, weights)
    with _timed(times, "backward pass"):
        _, grad_params = net.backward(grads, tape)
    console.print(
        f"{photo.width} x {photo.height} pixels: central square, resized to 224 x 224, mean colour subtracted."
    )
    show(console, Table("Time of each stage", ("stage", ">milliseconds"), [(k, 1000 * v) for k, v in times.items()]))
    terms = " + ".join(f"{weights[wire]:g} x {float(value):.3f} ({wire})" for wire, value in parts.items())
    uniform = sum(weights.values()) * math.log(1000)
    console.print(f"Loss {loss:.3f} = {terms}.")
    console.print("The weights are random. If they made all 1000 classes equally likely, the loss would be")
    console.print(f"{sum(weights.values()):g} x ln 1000 = {uniform:.3f}.")
    norms = {}
    for module in dict.fromkeys(name.split("/")[0] for name in net.params):
        norms[module] = norm([grad for name, grad in grad_params.items() if name.split("/")[0] == module])
    figure, text = viz.gradient_norms(norms, auxiliary=[wire.split("/")[0] for wire in net.outputs if wire != net.main])
    console.print(text, markup=False)
    written = figures.save(figure, text, out / "gradient_norms")
    figure, text = viz.first_filters(net.params["conv1/7x7_s2/weight"], "First filters of GoogLeNet, untrained")
    written += figures.save(figure, text, out / "googlenet_filters")
    _heading(console, 4, "Is that gradient right?")
    with console.status("two more forward passes in float64 ...", spinner="line"):
        derivative = directional_check(net, x, labels)
    verdict = "they agree." if derivative.relative_error < 1e-3 else "THEY DISAGREE."
    console.print(
        "The derivative of the loss along one random direction, through the image\n"
        f"and all {count(net).params:,} parameters:\n"
        f"  {derivative.analytic:+.9f}  analytic, by the backward pass\n"
        f"  {derivative.numerical:+.9f}  numerical, by a central difference (float64, step size {derivative.step:g})\n"
        f"Relative error {derivative.relative_error:.1e}: {verdict}",
        markup=False,
    )
    return written


def _photo_or_default(console, path):
    try:
        return data.photograph(path)
    except ValueError as error:
        if path is not None:
            raise ValueError(f"{error}. Check the path, or leave out --image.") from error
        console.print(f"{error}. Pass your own photograph with --image FILE.", markup=False)
        return None


def _digits(console, epochs, seed, out):
    _heading(console, 5, "A small GoogLeNet learns to read digits")
    try:
        images, labels, test_images, test_labels = data.digits()
    except ModuleNotFoundError as error:
        console.print(f"Skipped: {error}", markup=False)
        return []
    net = models.mini_googlenet(in_channels=1, rng=seed)
    console.print(
        f"Handwritten digits of 8 x 8, enlarged to 32 x 32: {len(images):,} to train, {len(test_images)} held out.\n"
        f"{count(net).params:,} parameters, {count(net).macs:,} MACs; epochs: {epochs}."
    )
    started, tested = time.perf_counter(), []
    with progress(console) as bar:
        task = bar.add_task("training", total=None, status="")

        def show(step):
            status = f"loss {step.loss:.3f}, accuracy {step.accuracy:.0%}"
            bar.update(task, total=step.count, completed=step.number + 1, status=status)
            if (step.number + 1) % (step.count // epochs) == 0:
                tested.append(_tested(net, test_images, test_labels, len(tested)))

        steps = training.train(net, images, labels, epochs=epochs, rng=seed, on_step=show)
    seconds = time.perf_counter() - started
    predicted = evaluation.predict(net, test_images)
    hits = float(np.mean(predicted == test_labels))
    console.print(f"Accuracy on held-out digits: {hits:.1%} after {seconds:.0f} s of training ({len(steps)} steps).")
    notes = {"crops": "0"}  # it was trained on whole images
    classes = tuple("0123456789")
    weights.save(net, out / NETWORK, pixels=data.GREY_UNIT, classes=classes, notes=notes)
    digit = data.GREY_UNIT.to_pixels(test_images[0])[0]
    with files.atomic(out / DIGIT) as file:
        Image.fromarray(digit).save(file, format="PNG")
    written = [out / NETWORK, out / DIGIT]
    drawn = {
        "training_curve": viz.training_curve(steps, tested),
        "confusion_matrix": viz.confusion_matrix(evaluation.confusion(test_labels, predicted, 10)),
        "digit_filters": viz.first_filters(net.params["conv1/3x3/weight"], "First filters after training on digits"),
    }
    for name, (figure, text) in drawn.items():
        written += figures.save(figure, text, out / name)
    return written


def _page(console, out):
    """Write a page of the trained network with the digit."""
    with console.status("a page that shows the trained network ...", spinner="line"):
        viewer.view(out / NETWORK, out / DIGIT, name="mini_googlenet").save(out / PAGE)
    return [out / PAGE]


def _tested(net, images, labels, epoch):
    """Return an Epoch with the held-out loss and accuracy; its training columns are NaN."""
    logits, unknown = net(images), float("nan")
    loss = float(losses.softmax_cross_entropy(logits, labels)[0])
    return training.Epoch(epoch, unknown, unknown, loss, float((logits.argmax(axis=1) == labels).mean()), unknown)


def _farewell(console, out, written, trained):
    _heading(console, 6, f"The results, in {out}")
    for path in written:
        console.print(f"  {path.name}", markup=False)
    if trained:
        console.print(f"Open {PAGE} in a browser: it shows what the network computes of the digit.")
    console.print("Each figure has a text file next to it. What to try next:")
    command = ["minigooglenet"] if shutil.which("minigooglenet") else [sys.executable, "-m", "minigooglenet"]
    commands = [
        [*command, "count", "googlenet", "--explain", "inception_3a/3x3"],
        [*command, "gradcheck", "maxpool2d"],
    ]
    if trained:
        commands.insert(0, [*command, "classify", str(out / DIGIT), "--weights", str(out / NETWORK)])
    tips = [
        *map(_as_typed, commands),
        "the same tour with your own photograph: --image FILE",
        "in Python: import minigooglenet as mg; print(mg.counting.table1.table())   (the table of the paper, audited)",
    ]
    for tip in tips:
        console.print(f"  {tip}", markup=False, soft_wrap=True)


def _as_typed(words):
    """Return a command quoted for the shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _heading(console, number, title):
    console.print(f"\n{number}. {title}", style="bold", markup=False)


@contextmanager
def _timed(times, stage):
    started = time.perf_counter()
    yield
    times[stage] = time.perf_counter() - started
