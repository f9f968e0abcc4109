"""`baycast keys create|list|revoke|rotate`: who may ask the API for what is not public."""

import argparse
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from store.keys import ApiKey
    from store.postgres import Connection

HELP = "make, list, revoke and rotate the API keys of managers and other systems"

SCOPES = ("live:read", "history:read", "admin", "signs:write", "personal")
_INSTANT = "RFC 3339, as 2027-01-01T00:00Z"
_OVERLAP = timedelta(hours=24)
_PAGE = 1000


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "make a key and show it, this once: only its hash is kept"
    makes = actions.add_parser("create", help=text, description=text, allow_abbrev=False)
    makes.add_argument("--label", required=True, help="for whom or for what, as in 'parking team'")
    makes.add_argument("--scopes", required=True, metavar="LIST", help=f"of {', '.join(SCOPES)}")
    makes.add_argument(
        "--areas", metavar="IDS", help="the areas it is bound to (default: all, now and later)"
    )
    makes.add_argument("--expires", metavar="TIME", help=f"{_INSTANT} (default: never)")
    text = "show the keys, without their secrets"
    lists = actions.add_parser("list", help=text, description=text, allow_abbrev=False)
    lists.add_argument("--all", action="store_true", help="also those that have ended")
    text = "end a key for good, within seconds everywhere"
    ends = actions.add_parser("revoke", help=text, description=text, allow_abbrev=False)
    text = "give a key a new secret and show it; the old one goes on for a while"
    turns = actions.add_parser("rotate", help=text, description=text, allow_abbrev=False)
    turns.add_argument(
        "--until", metavar="TIME", help=f"when the old secret ends, {_INSTANT} (default: in 24 hours)"
    )
    for one in (ends, turns):
        one.add_argument("id", metavar="ID", type=int, help="its number in `baycast keys list`")
    for one in (makes, lists, ends, turns):
        one.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url
    from store.keys import KeyRefusedError

    action = {"create": _create, "list": _list, "revoke": _revoke, "rotate": _rotate}[args.action]
    with (
        refusals_in_words("baycast keys"),
        open_database(database_url(settings), "baycast keys") as conn,
    ):
        try:
            return action(args, conn)
        except KeyRefusedError as refused:
            raise UsageError(str(refused)) from None


def _create(args: argparse.Namespace, conn: "Connection") -> int:
    from baycast.operator import operator
    from store.keys import Scope, create

    scopes, areas = _names(args.scopes), None if args.areas is None else _names(args.areas)
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(f"--scopes {scope}: give some of {', '.join(SCOPES)}")
    _check_areas(conn, areas or ())
    key, secret = create(
        conn,
        label=args.label,
        scopes=[Scope(scope) for scope in scopes],
        areas=areas,
        expires_at=None if args.expires is None else _instant("--expires", args.expires),
        made_by=operator(),
        made_at=utc_now(),
    )
    return _show_secret(args, key, secret)


def _list(args: argparse.Namespace, conn: "Connection") -> int:
    from store.keys import page

    now, found, after = utc_now(), list["ApiKey"](), 0
    while keys := page(conn, after=after, limit=_PAGE):
        found += [key for key in keys if args.all or key.lives_at(now)]
        after = keys[-1].key_id
    if args.json:
        print(json.dumps({"keys": [key.document() for key in found]}))
        return 0
    for key in found:
        used = "never used" if key.last_used_at is None else f"last used {key.last_used_at:%Y-%m-%d %H:%MZ}"
        print(f"{_words(key)}; made by {key.made_by} {key.made_at:%Y-%m-%d}, {used}")
    if not found:
        print("none")
    return 0


def _revoke(args: argparse.Namespace, conn: "Connection") -> int:
    from baycast.operator import operator
    from store.keys import revoke

    key = revoke(conn, args.id, by=operator(), at=utc_now())
    print(json.dumps({"revoked": key.document()}) if args.json else _words(key))
    return 0


def _rotate(args: argparse.Namespace, conn: "Connection") -> int:
    from baycast.operator import operator
    from store.keys import rotate

    now = utc_now()
    until = now + _OVERLAP if args.until is None else _instant("--until", args.until)
    key, secret = rotate(conn, args.id, until=until, by=operator(), at=now)
    return _show_secret(args, key, secret, until)


def _show_secret(args: argparse.Namespace, key: "ApiKey", secret: str, until: datetime | None = None) -> int:
    if args.json:
        old = {} if until is None else {"old_until": until.isoformat()}
        print(json.dumps({**key.document(), "key": secret, **old}))
        return 0
    print(_words(key))
    if until is not None:
        print(f"the secret it had ends at {until:%Y-%m-%d %H:%MZ}")
    print(f"{secret}\nThis is the only time that it is shown: only its hash is kept.")
    return 0


def _check_areas(conn: "Connection", areas: Iterable[str]) -> None:
    from occupancy.model import AreaId
    from store.registry import load

    for area in areas:
        if not any(kind == "area" for kind, *_ in load(conn, AreaId(area))):
            raise UsageError(f"--areas {area}: there is no such area")
    conn.rollback()  # ends the transaction that the reading began


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _instant(option: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: is no time; give {_INSTANT}") from None
    if at.tzinfo is None:
        raise UsageError(f"{option} {text}: needs an offset, as Z")
    return at.astimezone(UTC)


def _words(key: "ApiKey") -> str:
    areas = "all areas" if key.areas is None else ", ".join(sorted(key.areas))
    if key.revoked_at is not None:
        until = f"revoked {key.revoked_at:%Y-%m-%d %H:%MZ}"
    else:
        until = "no expiry" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%MZ}"
    return f"{key.key_id} {key.label}: {', '.join(sorted(key.scopes))} for {areas}, {until}"
