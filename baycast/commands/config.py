"""`baycast config`: the effective settings, secrets masked."""

import argparse
import json

from baycast.settings import Settings, shown, variable

HELP = "print the effective settings, secrets masked"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    values = {variable(name): shown(getattr(settings, name)) for name in Settings.model_fields}
    if args.json:
        print(json.dumps(values))
        return 0
    for name, field in Settings.model_fields.items():
        origin = "set" if name in settings.model_fields_set else "default"
        print(f"# {field.description} ({origin})\n{variable(name)}={values[variable(name)]}")
    return 0
