"""`baycast ingest`: from the broker into the log, by one worker or several."""

import argparse
import threading
from dataclasses import replace

from baycast.cli import installed_version
from baycast.metrics import serve_metrics
from baycast.settings import Settings, UsageError
from baycast.stop_signals import stop_on_signals

HELP = "store what the sensors say: MQTT to the log"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that share the feed (default: BAYCAST_INGEST_WORKERS)",
    )
    parser.add_argument(
        "--no-drain",
        action="store_true",
        help="leave the sessions of this machine's former workers alone",
    )
    parser.add_argument(
        "--drain",
        metavar="WORKER_ID",
        help="take in what the broker holds for a worker that is not coming back, end its session, and exit",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    from baycast import ingest_fleet

    stop = stop_on_signals()
    if args.drain is not None:
        if args.workers is not None or args.no_drain:
            raise UsageError("ingest: --drain goes alone")
        return _drain(args.drain, settings, stop)
    workers = settings.ingest_workers if args.workers is None else args.workers
    if not 1 <= workers <= 32:
        raise UsageError("ingest: --workers is from 1 to 32")
    ingest_fleet.check(settings, workers)
    gone = [] if args.no_drain else ingest_fleet.retired(settings, workers, stop)
    if workers > 1 or gone:
        return ingest_fleet.run_fleet(settings, workers, gone, stop)
    return _work(settings, stop)


def _work(settings: Settings, stop: threading.Event) -> int:
    from baycast.wiring import ingest_config
    from ingest.failures import IngestError
    from ingest.health import Health
    from ingest.run import run as run_ingest

    config = ingest_config(settings)
    health = Health()
    serve_metrics(
        "ingest",
        installed_version(),
        settings.metrics_host,
        settings.ingest_metrics_port,
        problem=health.problem,
    )
    try:
        run_ingest(config, stop, health)
    except IngestError as error:
        raise UsageError(f"ingest: {error}") from None
    return 0


def _drain(worker_id: str, settings: Settings, stop: threading.Event) -> int:
    from baycast.wiring import ingest_config
    from ingest.failures import IngestError
    from ingest.run import run as run_ingest

    config = replace(ingest_config(settings), worker_id=worker_id, drain=True)
    try:
        run_ingest(config, stop)
    except IngestError as error:
        raise UsageError(f"ingest --drain {worker_id}: {error}") from None
    return 1 if stop.is_set() else 0
