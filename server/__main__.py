"""The command line: `python -m server [command]`; `python -m server --help` lists the commands."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable

# A command is a function of its arguments that gives the exit status, and is imported only
# when it runs. One line each: its name, where it is, what it does.
COMMANDS = {
    "serve": ("server.commands.serve:serve", "start the server (also without a command)"),
    "work": ("server.commands.workers:work", "one process of several; `serve` starts it"),
    "migrate": ("server.commands.database:migrate", "bring the database up to date"),
    "seed": ("server.commands.seed:seed_contacts", "add realistic contacts to try things out"),
    "import": ("server.commands.import_file:import_contacts", "import contacts from a file"),
    "export": ("server.commands.export:export_contacts", "write contacts to a file"),
    "simulate": ("server.client.simulator:simulate", "run many devices, and see whether all agree"),
    "purge": ("server.commands.purge:purge", "remove what remains of rows deleted long ago"),
    "backup": ("server.commands.backup:backup", "write the whole database to a file"),
    "restore": ("server.commands.backup:restore", "put a backup in the place of the database"),
    "dump-schema": ("server.commands.database:write_schema", "write sql/schema.sql anew"),
    "data-model": ("server.commands.database:write_data_model", "write docs/DATA_MODEL.md anew"),
}


def main(arguments: list[str]) -> int:
    """Runs the command and gives its exit status; 1 and one line on stderr when it can't."""
    lines = [f"  {name:12} {text}" for name, (_, text) in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m server",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Fieldbook: every contact on every device, online or not.",
        epilog="commands:\n" + "\n".join(lines) + "\n\n`COMMAND --help` says more.",
    )
    parser.add_argument("command", nargs="?", default="serve", choices=COMMANDS, metavar="COMMAND")
    chosen = parser.parse_args(arguments[:1]).command
    place, _ = COMMANDS[chosen]
    return run(place, arguments[1:])


def run(place: str, arguments: list[str]) -> int:
    """Runs `module:function`; Ctrl-C, also while the imports take their second, gives 130."""
    try:
        return explain_failures(place, arguments)
    except KeyboardInterrupt:
        return 130


def explain_failures(place: str, arguments: list[str]) -> int:
    """Runs `module:function`; what keeps a command from its work becomes one line on stderr."""
    from server.commands.common import CommandError
    from server.db.data_model import UndescribedError
    from server.db.embedded import EmbeddedError
    from server.db.migrate import MigrationError
    from server.db.programs import DumpError
    from server.errors import Unavailable
    from server.settings import SettingsError

    module, function = place.split(":")
    try:
        command: Callable[[list[str]], int] = getattr(importlib.import_module(module), function)
        return command(arguments)
    except (
        CommandError,
        DumpError,
        EmbeddedError,
        MigrationError,
        SettingsError,
        Unavailable,
        UndescribedError,
    ) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
