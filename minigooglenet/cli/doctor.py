"""`minigooglenet doctor`: what is wrong with this machine, and what to do."""

from minigooglenet.console import printable
from minigooglenet.course import doctor

HELP = "look for what is wrong with this machine, and say what to do"


def add_parser(commands, name):
    """Add this command to the command line."""
    commands.add_parser(name, help=HELP, description=f"{HELP[0].upper()}{HELP[1:]}.")


def run(options):
    """Print every finding; exit code 1 if something is wrong."""
    found = doctor.look()
    for finding in found:
        print(printable(finding, "\n"))
    wrong = sum(not finding.well for finding in found)
    print(f"{wrong} of {len(found)} findings need something done." if wrong else f"All {len(found)} findings are well.")
    return 1 if wrong else 0
