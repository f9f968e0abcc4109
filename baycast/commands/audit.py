"""`baycast audit list|verify`: who did what, and whether the record of it is whole."""

import argparse
import json
from typing import TYPE_CHECKING

from baycast.settings import Settings, UsageError

if TYPE_CHECKING:
    from store.audit import Entry, Head
    from store.postgres import Connection

HELP = "show the audit log, or prove that nothing in it was edited or taken out"

MOST = 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "show entries, the newest first"
    lists = actions.add_parser("list", help=text, description=text, allow_abbrev=False)
    lists.add_argument("--area", metavar="ID", help="only what concerns this area alone")
    lists.add_argument("--of", metavar="ACTION", help="only this, as key.create or personal.read")
    lists.add_argument("--before", type=int, metavar="SEQ", help="only entries before this one")
    lists.add_argument(
        "--limit", type=int, default=100, metavar="N", help=f"at most so many (100; {MOST} at most)"
    )
    text = "work out the chain of hashes again; status 1 when it is broken"
    proves = actions.add_parser("verify", help=text, description=text, allow_abbrev=False)
    proves.add_argument(
        "--head", metavar="SEQ:HASH", help="as an earlier verify told it, and as it was noted elsewhere"
    )
    for one in (lists, proves):
        one.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.reachability import open_database, refusals_in_words
    from baycast.wiring import database_url

    action = {"list": _list, "verify": _verify}[args.action]
    with (
        refusals_in_words("baycast audit"),
        open_database(database_url(settings), "baycast audit") as conn,
    ):
        return action(args, conn)


def _list(args: argparse.Namespace, conn: "Connection") -> int:
    from store.audit import page

    if not 1 <= args.limit <= MOST:
        raise UsageError(f"--limit {args.limit}: give 1 to {MOST}")
    within = None if args.area is None else [args.area]
    found = page(conn, within=within, before=args.before, action=args.of, limit=args.limit)
    if args.json:
        print(json.dumps({"entries": [entry.document() for entry in found]}))
        return 0
    for entry in found:
        print(_words(entry))
    if not found:
        print("none")
    return 0


def _verify(args: argparse.Namespace, conn: "Connection") -> int:
    from store.audit import verify

    done = verify(conn, None if args.head is None else _head(args.head))
    head = f"{done.head.seq}:{done.head.hash.hex()}"
    if args.json:
        print(json.dumps({"entries": done.entries, "head": head, "breaks": list(done.breaks)}))
    else:
        for told in done.breaks:
            print(told)
        whole = "broken" if done.breaks else "whole"
        print(f"{done.entries} entries, {whole}; head {head}")
    return 1 if done.breaks else 0


def _head(text: str) -> "Head":
    from store.audit import Head

    try:
        seq, hash = text.split(":")
        return Head(int(seq), bytes.fromhex(hash))
    except ValueError:
        raise UsageError(f"--head {text}: give it as `baycast audit verify` tells it, SEQ:HASH") from None


def _words(entry: "Entry") -> str:
    areas = f" [{', '.join(entry.areas)}]" if entry.areas else ""
    subject = f" {entry.subject}" if entry.subject else ""
    details = f" {json.dumps(dict(entry.doc), ensure_ascii=False)}" if entry.doc else ""
    return f"{entry.seq} {entry.at:%Y-%m-%d %H:%M:%SZ} {entry.who}: {entry.action}{subject}{areas}{details}"
