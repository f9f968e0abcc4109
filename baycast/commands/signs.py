"""`baycast signs mode|list|preview`: what operators put on signs, and what signs would show of themselves."""

import argparse
import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from baycast.instants import INSTANT, instant_of
from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from occupancy.model import Sign
    from occupancy.registry import Registry
    from signs.modes import SetMode
    from store.postgres import Connection

HELP = "set what signs show for a time (blank, a word, an approved legend), see what is set, try a sign"

MODES = ("auto", "blank", "full", "closed", "legend", "test")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "set the mode of a sign, in place of the one before; auto gives it back to the sensors"
    sets = actions.add_parser("mode", help=text, description=text, allow_abbrev=False)
    sets.add_argument("sign_id", metavar="SIGN_ID", help="the sign, as in the registry")
    sets.add_argument("mode", choices=MODES)
    ends = sets.add_mutually_exclusive_group()
    ends.add_argument("--for", dest="lasts", metavar="TIME", help="as 45m, 2h or 3d; at most 30d")
    ends.add_argument("--until", metavar="TIME", help=INSTANT)
    sets.add_argument("--legend", metavar="ID", help="with the mode legend: which of the approved ones")
    sets.add_argument("--reason", required=True, help="for the audit log, as in 'barrier defect'")
    sets.add_argument("--by", required=True, metavar="WHO", help="who is noted as having set it")
    text = "show what is set on each sign now"
    lists = actions.add_parser("list", help=text, description=text, allow_abbrev=False)
    lists.add_argument("--area", metavar="ID", help="one area only")
    lists.add_argument("--json", action="store_true", help="print one JSON object")
    text = "what a sign would show now on auto, if nothing stood on it before; nothing is sent"
    tries = actions.add_parser("preview", help=text, description=text, allow_abbrev=False)
    which = tries.add_mutually_exclusive_group(required=True)
    which.add_argument("sign_id", nargs="?", metavar="SIGN_ID", help="a sign of the registry")
    which.add_argument(
        "--file", type=Path, metavar="JSON", help="a sign's registry document, which need not be registered"
    )
    tries.add_argument("--json", action="store_true", help="print one JSON object, as the API does")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url

    if args.action == "preview":
        return _preview(args, settings)
    action = {"mode": _set, "list": _list}[args.action]
    with open_database(database_url(settings), "baycast signs") as conn, refusals_in_words("signs"):
        return action(args, conn)


def _set(args: argparse.Namespace, conn: "Connection") -> int:
    from baycast.free_text import kept
    from baycast.operator import operator
    from occupancy.model import LegendId
    from occupancy.registry import RegistryRefused
    from signs.modes import SetMode
    from signs.words import Mode
    from store.registry import load_registries
    from store.sign_modes import put

    now = utc_now()
    with conn.transaction():
        sign, registry = _find(args.sign_id, list(load_registries(conn).values()))
    order = SetMode(
        sign_id=sign.sign_id,
        mode=Mode(args.mode),
        legend_id=None if args.legend is None else LegendId(args.legend),
        reason=kept("--reason", args.reason),
        set_by=kept("--by", args.by),
        set_at=now,
        expires_at=_end(args, now, registry),
    )
    try:
        put(conn, order, sign, registry, actor=operator())
    except RegistryRefused as refused:
        for error in refused.errors:
            print(error, file=sys.stderr)
        raise UsageError(f"{len(refused.errors)} problem(s), nothing was set") from None
    print(_words(order))
    return 0


def _list(args: argparse.Namespace, conn: "Connection") -> int:
    from occupancy.answers import instant
    from occupancy.model import AreaId
    from signs.words import Mode
    from store.sign_modes import load

    now = utc_now()
    with conn.transaction():
        found = load(conn, None if args.area is None else AreaId(args.area))
    shown = [one for one in found if one.in_force(now) is not Mode.AUTO]
    if args.json:
        listed = [
            {
                "sign_id": one.sign_id,
                "mode": one.mode.value,
                "legend": one.legend_id,
                "reason": one.reason,
                "set_by": one.set_by,
                "set_at": instant(one.set_at),
                "expires_at": instant(one.expires_at),
            }
            for one in shown
        ]
        print(json.dumps({"modes": listed}))
        return 0
    for one in shown:
        print(f"{_words(one)}: {one.reason} [{one.set_by}]")
    if not shown:
        print("all on auto")
    return 0


def _preview(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.sign_preview import in_words, look
    from signs.preview import preview_document

    found = look(settings, args.sign_id, args.file)
    if args.json:
        print(json.dumps(preview_document(found), ensure_ascii=False))
    else:
        for line in in_words(found):
            print(line)
    for error in found.refused:
        print(error, file=sys.stderr)
    return 1 if found.refused else 0


def _find(sign_id: str, registries: "list[Registry]") -> "tuple[Sign, Registry]":
    from difflib import get_close_matches

    signs = {
        str(sign.sign_id): (sign, registry) for registry in registries for sign in registry.signs.values()
    }
    if sign_id in signs:
        return signs[sign_id]
    near = get_close_matches(sign_id, signs, n=1)
    raise UsageError(f"there is no sign {sign_id!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _end(args: argparse.Namespace, now: datetime, registry: "Registry") -> datetime | None:
    if args.until is not None:
        zone = "UTC" if registry.area is None else registry.area.time_zone
        return instant_of("--until", args.until, zone)
    if args.lasts is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,5})([mhd])", args.lasts)
    if found is None:
        raise UsageError(f"--for {args.lasts}: is no length of time; give it as 45m, 2h or 3d")
    return now + timedelta(**{_UNITS[found[2]]: int(found[1])})


def _words(order: "SetMode") -> str:
    what = order.mode.value if order.legend_id is None else f"{order.mode.value} {order.legend_id}"
    until = "" if order.expires_at is None else f" until {order.expires_at:%Y-%m-%d %H:%MZ}"
    return f"{order.sign_id}: {what}{until}"
