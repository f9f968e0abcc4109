"""`baycast contract`: judge payloads by the firmware contract, without a broker or a database."""

import argparse
import json
import sys
from pathlib import Path

from baycast.settings import Settings, UsageError
from firmware_contract import schema, vectors
from firmware_contract.codec import MAX_PAYLOAD, Accepted, Rejected, decode

HELP = "check payloads against the firmware contract, print its JSON Schema"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="run the golden vectors, or judge one payload")
    check.add_argument("--topic", help="the topic that the payload is published on")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the payload; - is standard input")
    check.add_argument("--json", action="store_true", help="print one JSON object last")
    printed = actions.add_parser("schema", help="print the JSON Schema")
    printed.add_argument("kind", nargs="?", choices=schema.kinds(), help="one kind only")


def run(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001
    if args.action == "schema":
        return _schema(args.kind)
    if (args.topic is None) != (args.file is None):
        raise UsageError(
            "contract check: give both --topic TOPIC and FILE, or neither to run the golden vectors"
        )
    if args.file is None:
        return _vectors(as_json=args.json)
    return _payload(args.topic, args.file, as_json=args.json)


def _schema(kind: str | None) -> int:
    chosen = schema.schema(kind) if kind else {name: schema.schema(name) for name in schema.kinds()}
    print(json.dumps(chosen, indent=2))
    return 0


def _vectors(*, as_json: bool) -> int:
    checked = [(vector, vectors.check(vector)) for vector in vectors.load()]
    failed = [(vector, problem) for vector, problem in checked if problem is not None]
    for vector, problem in failed:
        print(f"{vector.id} ({vector.statement}): {problem}", file=sys.stderr)
    if as_json:
        figures = {"vectors": len(checked), "failed": len(failed)}
        print(json.dumps({"command": "contract check", "figures": figures}))
    else:
        print(f"{len(checked) - len(failed)} of {len(checked)} golden vectors pass")
    return 1 if failed else 0


def _payload(topic: str, file: Path, *, as_json: bool) -> int:
    # One byte more than allowed is enough to judge it too large.
    try:
        if str(file) == "-":
            payload = sys.stdin.buffer.read(MAX_PAYLOAD + 1)
        else:
            with file.open("rb") as stream:
                payload = stream.read(MAX_PAYLOAD + 1)
    except OSError as error:
        raise UsageError(f"contract check: cannot read {file}: {error.strerror}") from None
    answers = decode(topic, payload)
    rejected = [answer for answer in answers if isinstance(answer, Rejected)]
    if as_json:
        print(json.dumps({"command": "contract check", "answers": [_plain(answer) for answer in answers]}))
        return 1 if rejected else 0
    for answer in answers:
        if isinstance(answer, Rejected):
            print(f"rejected: {answer.reason}: {answer.detail}")
        else:
            print(f"accepted: {answer.kind} of {answer.device_id}")
    if not answers:
        print("accepted: a batch of no items")
    return 1 if rejected else 0


def _plain(answer: Accepted | Rejected) -> dict[str, object]:
    if isinstance(answer, Rejected):
        return {"accepted": False, "reason": answer.reason.value, "detail": answer.detail}
    return {"accepted": True, "kind": answer.kind, "device_id": answer.device_id}
