"""`minigooglenet doctor`: what is wrong with this machine, and what to do."""

from minigooglenet.console import printable
from minigooglenet.course import doctor

HELP = "check this machine and show how to fix what is wrong"


def add_parser(commands, name):
    """Add this command to the command line."""
    commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")


def run(options):
    """Print every diagnosis; exit code 1 if something is wrong."""
    diagnoses = doctor.diagnose()
    for diagnosis in diagnoses:
        print(printable(diagnosis, "\n"))
    wrong = sum(not diagnosis.ok for diagnosis in diagnoses)
    count = len(diagnoses)
    print(
        f"{wrong} of {count} checks {'needs' if wrong == 1 else 'need'} attention."
        if wrong
        else f"All {count} checks passed."
    )
    return 1 if wrong else 0
