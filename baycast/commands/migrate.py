"""`baycast migrate`: brings the database to this release."""

import argparse

import psycopg

from baycast.settings import Settings, UsageError

HELP = "bring the database to this release (forward only)"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="change nothing; status 1 when something is missing"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.wiring import available_database

    with available_database(settings) as url:
        return _migrate(url, check_only=args.check)


def _migrate(url: str, *, check_only: bool) -> int:
    from baycast.reachability import open_database
    from store.migrate import MigrationError, migrate, pending

    with open_database(url, "baycast migrate") as conn:
        try:
            missing = pending(conn)
            if check_only:
                print("\n".join(missing) or "up to date")
                return 1 if missing else 0
        except MigrationError as error:
            raise UsageError(str(error)) from None
    try:
        applied = migrate(url)
    except (MigrationError, psycopg.Error) as error:
        raise UsageError(f"migration failed, nothing of it was kept: {str(error).splitlines()[0]}") from None
    print("\n".join(f"applied {name}" for name in applied) or "up to date")
    return 0
