"""`minigooglenet warmup`: compile every kernel now instead of at its first call."""

from minigooglenet import console
from minigooglenet.kernels import compiled
from minigooglenet.warmup import warmup

HELP = "compile all kernels ahead, once for this machine"


def add_parser(commands, name):
    """Add this command to the command line."""
    commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")


def run(options):
    """Compile, and say what was done."""
    if reason := compiled.why_not_fast():
        raise ValueError(f"nothing was compiled, because {reason}. {compiled.INSTEAD}")
    out = console.stdout()
    with console.progress(out) as bar:
        task = bar.add_task("compiling", total=None, status="")
        done = warmup(lambda steps, total, text: bar.update(task, completed=steps, total=total, status=text))
    if done["compiled"]:
        out.print(f"{done['compiled']} functions compiled in {done['seconds']:.0f} s.", markup=False)
    else:
        out.print(f"All kernels were compiled already (looked for {done['seconds']:.1f} s).", markup=False)
    if done["folder"] is None:
        out.print(
            "No folder could be written, so every process compiles anew; set NUMBA_CACHE_DIR to one.", markup=False
        )
    else:
        out.print(f"They are kept in {done['folder']}.", markup=False)
