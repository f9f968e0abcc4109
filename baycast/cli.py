"""The command line: finds the command's module, imports only that one, turns errors into a line and a status.

A command is a module in `baycast/commands/` with `HELP`, `configure(parser)` and `run(args, settings)`.
"""

import argparse
import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, cast

import baycast.commands
from baycast.settings import Settings, UsageError


class Command(Protocol):
    """What each module in `baycast/commands/` offers."""

    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self, args: argparse.Namespace, settings: Settings) -> int:
        """Do it; the exit status."""


# The order in which people meet them; commands not named here follow in alphabetical order.
_ORDER = (
    "demo",
    "up",
    "ingest",
    "engine",
    "api",
    "publish",
    "migrate",
    "rebuild",
    "simulate",
    "replay",
    "registry",
)


def command_names() -> list[str]:
    """Every command, in the order of the help."""
    found = {module.name for module in pkgutil.iter_modules(baycast.commands.__path__)}
    return [name for name in _ORDER if name in found] + sorted(found.difference(_ORDER))


def load_command(name: str) -> Command:
    """Import one command's module."""
    return cast(Command, importlib.import_module(f"baycast.commands.{name}"))


def installed_version() -> str:
    """Our version, as installed."""
    try:
        return version("baycast")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+source"


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser with all commands, or with the only one wanted (which saves importing the others)."""
    parser = argparse.ArgumentParser(
        prog="baycast", description="Parking sensors to drivers, signs and managers.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"baycast {installed_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in command_names() if only is None else [only]:
        command = load_command(name)
        # Percent signs are formatting to argparse.
        text = command.HELP.replace("%", "%%")
        command.configure(commands.add_parser(name, help=text, description=text, allow_abbrev=False))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 it failed, 2 wrong input or environment."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    wanted = arguments[0] if arguments and arguments[0] in command_names() else None
    args = build_parser(wanted).parse_args(arguments)
    try:
        return _run(args)
    except UsageError as error:
        print(f"baycast: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(args: argparse.Namespace) -> int:
    from baycast.logging_setup import configure_logging
    from baycast.settings import load, unknown_variables

    settings = load()
    configure_logging(args.command, settings.log_level, settings.log_format)
    for name in unknown_variables():
        print(f"baycast: {name} is not a setting (see `baycast config`)", file=sys.stderr)  # noqa: T201
    return load_command(args.command).run(args, settings)
