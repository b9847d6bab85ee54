"""`minigooglenet warmup`: compile every kernel now, not at its first call."""

from minigooglenet import console
from minigooglenet.kernels import compiled
from minigooglenet.warmup import warmup

HELP = "compile all kernels in advance, once per machine"


def add_parser(commands, name):
    """Add this command to the command line."""
    commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")


def run(options):
    """Compile all kernels and print a summary."""
    if reason := compiled.why_not_fast():
        raise ValueError(f"nothing was compiled, because {reason}. {compiled.INSTEAD}")
    out = console.stdout()
    with console.progress(out) as bar:
        task = bar.add_task("compiling", total=None, status="")
        done = warmup(lambda steps, total, text: bar.update(task, completed=steps, total=total, status=text))
    if done["compiled"]:
        out.print(f"Compiled {done['compiled']} functions in {done['seconds']:.0f} s.", markup=False)
    else:
        out.print(f"All kernels are already compiled (checked in {done['seconds']:.1f} s).", markup=False)
    if done["folder"] is None:
        out.print(
            "No cache folder is writable, so every process compiles again. Set NUMBA_CACHE_DIR to a writable folder.",
            markup=False,
            soft_wrap=True,
        )
    else:
        out.print(f"They are stored in {done['folder']}.", markup=False)
