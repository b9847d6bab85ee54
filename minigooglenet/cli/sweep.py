"""`minigooglenet sweep`: train with a grid of settings, or with random ones, and compare the results."""

import argparse
import copy
import tomllib
from functools import partial
from pathlib import Path

from minigooglenet import console, figures, files, jobs, names
from minigooglenet.cli import train
from minigooglenet.cli.arguments import add_independent, check_independent, positive
from minigooglenet.training import many
from minigooglenet.training.display import Display
from minigooglenet.training.lock import Hold
from minigooglenet.training.sweep import choices, plan, results
from minigooglenet.training.sweep.figure import figure

HELP = "train with a grid of settings, or with random ones, and compare the results"
NOT_TRIED = ("help", "out", "resume")
YES, NO = ("true", "yes", "on"), ("false", "no", "off")
CSV, FIGURE = "results.csv", "results"


def add_parser(commands, name):
    """Add this command to the command line."""
    parser = commands.add_parser(
        name,
        help=HELP,
        description=f"{HELP[0].upper()}{HELP[1:]}. Every option of `train` applies to all jobs, and each can be tried. "
        "Each job is a run in its own folder in DIR. The same command continues an interrupted sweep.",
    )
    group = parser.add_argument_group("sweep")
    add = group.add_argument
    add(
        "--try",
        dest="tries",
        action="append",
        default=[],
        metavar="OPTION=VALUES",
        help="values of an option of `train`, such as lr=0.01,0.05, or with --random a range such as lr=0.001:0.1; can "
        "be repeated, then every combination is trained",
    )
    add("--random", type=positive, metavar="N", help="number of random combinations (default: every combination)")
    add("--file", metavar="FILE", help="TOML file with options of `train`, and with a table [try]")
    add("--table", action="store_true", help="results of the sweep in DIR so far, without training")
    train.add_run(parser)
    known = {action.dest: action for action in parser._actions}
    group.set_defaults(known=known)
    train_alone = dict.fromkeys(("find_lr", "ensemble", "shards", "workers"), None)
    parser.set_defaults(launched=1, **train_alone, defaults={name: action.default for name, action in known.items()})
    add_independent(parser, "jobs of the sweep")


def run(options):
    """Train the jobs of a sweep, or those of one element of an array, and show the results."""
    check_independent(options)
    out, display = Path(options.out), Display()
    if options.resume or options.table:
        _check_alone(options)
        recipes = plan.read(out)[1]
    else:
        values, recipes = _planned(options)
        with train.quiet_display() as quiet:
            recipe = next(iter(recipes.values()))
            recipe.begin(recipe.split(partial(quiet.status, "bytes")))  # downloads, and raises errors, only once
        plan.begin(out, values, recipes)
    if options.table:
        return _show(out)
    ways = many.Ways(options.jobs, options.restarts, options.job, options.dask)
    here = len(recipes) if options.job is None else len(options.job.of(list(recipes)))
    display.line(f"Training {here} of {len(recipes)} jobs, each in its own folder in {out}.")
    try:
        with Hold(out) as hold:
            if options.job is None:
                hold.take()
            with display:
                events = many.train_all(recipes, out, ways, Progress(display, here))
    except KeyboardInterrupt:
        display.line("Stopped and saved; the same command, or --resume, continues.")
        return 130
    if options.job is None:
        _show(out)
    else:
        display.line(f"For the results of all jobs, run: minigooglenet sweep --out {out} --table", whole=True)
    many.check(events, out)
    return 0


class Progress:
    """Callback for events of jobs that reports to a display."""

    def __init__(self, display, count):
        self.display, self.count, self.ended, self.running = display, count, 0, []

    def __call__(self, event):
        """Report an event."""
        name = event.job.name
        if event.state == jobs.STARTED:
            self.running.append(name)
        elif name in self.running:
            self.running.remove(name)
        if event.state in (jobs.DONE, jobs.FAILED):
            self.ended += 1
        if event.state == jobs.DONE:
            self.display.line(f"{name}: held-out accuracy {event.value['accuracy']:.2%}")
        train.report_crash(self.display, event)
        self.display.status("job", self.ended, self.count, ", ".join(self.running))


def _show(out):
    """Print the results so far, and write them as CSV and figure."""
    found, screen = results.results(out), console.stdout()
    console.show(screen, results.table(found))
    results.write_csv(found, out / CSV)
    written = [out / CSV]
    drawn = figure(found)
    if drawn is not None:
        written += figures.save(*drawn, out / FIGURE)
    for path in written:
        screen.print(f"written: {path}", markup=False, soft_wrap=True)
    return 0


def _check_alone(options):
    """Raise a ValueError if an option would have no effect, because the sweep is in the folder."""
    kept = {"out", "resume", "table", "help"}
    given = [
        name for name, value in options.defaults.items() if name not in kept and getattr(options, name, value) != value
    ]
    if given:
        words = ", ".join(sorted("--" + {"tries": "try"}.get(name, name).replace("_", "-") for name in given))
        raise ValueError(
            f"{'--table' if options.table else '--resume'} uses the sweep in {options.out}. Leave out {words}."
        )


def _planned(options):
    """Return ({job: {option: value}}, {job: Recipe})."""
    actions = _actions(options)
    tries = _read_file(options, actions) if options.file else {}
    for text in options.tries:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--try must be OPTION=VALUES, such as lr=0.01,0.05, got {text!r}")
        tries[_known(name, actions, "--try")] = value
    if not tries:
        raise ValueError("a sweep needs values to try. Pass --try, such as --try lr=0.01,0.05.")
    listed = [choices.choice(name, text) for name, text in tries.items()]
    drawn = choices.grid(listed) if options.random is None else choices.draws(listed, options.random, options.seed)
    values = choices.names(drawn)
    return values, {name: _recipe(options, job, actions) for name, job in values.items()}


def _recipe(options, values, actions):
    job = copy.copy(options)
    job.jobs, job.restarts, job.job, job.dask = 1, 2, None, None
    for name, text in values.items():
        setattr(job, actions[name].dest, _converted(actions[name], name, text))
    try:
        train.check_options(job)
        return train.recipe_of(job)
    except ValueError as error:
        raise ValueError(f"{', '.join(f'{name}={text}' for name, text in values.items())}: {error}") from error


def _actions(options):
    """Return {name of an option of `train`: its action}."""
    own = {"tries", "random", "file", "table", *NOT_TRIED}
    return {name.replace("_", "-"): action for name, action in options.known.items() if name not in own}


def _known(name, actions, where):
    clean = name.strip().removeprefix("--").replace("_", "-")
    if clean not in actions:
        raise ValueError(f"{where}: {names.unknown('option', clean, actions)}")
    return clean


def _converted(action, name, text):
    """Return the value that the command line would give an option for this text."""
    if action.nargs == 0:  # a flag
        if text.lower() not in YES + NO:
            raise ValueError(f"{name} must be true or false, got {text!r}")
        return text.lower() in YES
    try:
        value = text if action.type is None else action.type(text)
    except (argparse.ArgumentTypeError, ValueError) as error:
        reason = str(error) if isinstance(error, argparse.ArgumentTypeError) else f"must be a number, got {text!r}"
        raise ValueError(f"{name} {reason}") from error
    if action.choices is not None and value not in action.choices:
        raise ValueError(names.unknown(name, value, action.choices))
    return [value] if isinstance(action.default, list) else value


def _read_file(options, actions):
    """Set the options that the file has and the command line has not; return {option: values} of its table [try]."""
    try:
        content = tomllib.loads(files.read_bytes(options.file).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{options.file} is not valid TOML: {error}") from error
    tries = content.pop("try", {})
    if not isinstance(tries, dict):
        raise ValueError(f"{options.file}: [try] must be a table, such as lr = [0.01, 0.05], got {tries!r}")
    if "random" in content:
        number = content.pop("random")
        if options.random is None:
            options.random = _converted(options.known["random"], "random", _text(number))
    for name, value in content.items():
        action = actions[_known(name, actions, options.file)]
        if getattr(options, action.dest) == action.default:
            setattr(options, action.dest, _converted(action, name, _text(value)))
    return {
        _known(name, actions, f"{options.file}: [try]"): ",".join(map(_text, value))
        if isinstance(value, list)
        else _text(value)
        for name, value in tries.items()
    }


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
