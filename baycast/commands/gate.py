"""`baycast gate`: at a car park, cameras' events in, passages without plates out."""

import argparse
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

HELP = "gate agent: ANPR cameras' events to passages with keyed tokens, never plates"


_LOOK_S = 0.25


def utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", metavar="FILE", type=Path, help="cameras and fields; see docs/gate-agent.md"
    )
    parser.add_argument("--buffer", metavar="FILE", type=Path, help="default: gate.db in the data folder")
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        type=Path,
        help="keep the keys over restarts, readable by this account only (default: in memory only)",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast.gate.agent import Agent
    from baycast.gate.buffer import Buffer
    from baycast.gate.config import read_config
    from baycast.gate.delivery import WINDOW, deliver
    from baycast.gate.server import server
    from baycast.wiring import mqtt_url
    from simulator.publisher import Endpoint, Publisher

    config = read_config(args.config)
    path: Path = args.buffer or settings.data_dir / "gate.db"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = Buffer(path, time.time())
        agent = Agent(config, buffer, utc_now, args.key_file)
    except (OSError, ValueError) as error:
        raise UsageError(f"gate: {error}") from None
    stop = stop_on_signals()
    web = server(agent, config.host, config.port)
    with Publisher(Endpoint.parse(mqtt_url(settings)), name="gate", in_flight=WINDOW) as out:
        # Not in the main thread, where uvicorn would take the signals for itself.
        port = threading.Thread(target=web.run, name="port")
        delivery = threading.Thread(target=deliver, args=(buffer, out, stop), name="delivery")
        port.start()
        delivery.start()
        # Without either of them the agent is of no use: it ends, and whoever runs it starts it again.
        while port.is_alive() and delivery.is_alive() and not stop.wait(_LOOK_S):
            pass
        asked = stop.is_set()
        web.should_exit = True
        port.join()
        stop.set()
        delivery.join()
    buffer.close()
    return 0 if asked else 1
