"""From the settings to what each room needs. Rooms are imported only when their role runs: start-up time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from baycast.embedded.postgres import EmbeddedPostgres, running_url
from baycast.embedded.service_account import prepare_data_dir
from baycast.settings import Settings, UsageError, variable

if TYPE_CHECKING:
    from api.config import ApiConfig
    from ingest.config import IngestConfig
    from occupancy.engine import EngineConfig
    from occupancy.engine.forecasts import ForecastConfig
    from occupancy.retention import Retention
    from publish.config import PublishConfig


def database_url(settings: Settings) -> str:
    """Where the database is: as set, or the embedded one that runs now. UsageError when there is none."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    running = running_url(settings.data_dir.resolve() / "postgres")
    if running is None:
        raise UsageError(
            f"no database runs in {settings.data_dir.resolve()}: start `baycast up` or `baycast demo` first,"
            f" or set {variable('data_dir')} or {variable('database_url')}"
        )
    return running


@contextmanager
def available_database(settings: Settings) -> Iterator[str]:
    """For commands that need no other role: as `database_url`, else the embedded one, started meanwhile."""
    if settings.database_url is not None or running_url(settings.data_dir.resolve() / "postgres"):
        yield database_url(settings)
        return
    prepare_data_dir(settings.data_dir)
    with EmbeddedPostgres(settings.data_dir / "postgres") as postgres:
        postgres.create_database()
        yield postgres.url()


def mqtt_url(settings: Settings) -> str:
    """Where the broker is; without the setting the embedded one's place, whether it runs or not."""
    if settings.mqtt_url is not None:
        return settings.mqtt_url.get_secret_value()
    return f"mqtt://127.0.0.1:{settings.mqtt_port}"


def ingest_config(settings: Settings) -> IngestConfig:
    """For `ingest.run.run`."""
    from ingest.config import IngestConfig

    return IngestConfig(
        database_url=database_url(settings),
        mqtt_url=mqtt_url(settings),
        worker_id=settings.worker_id,
        shared_group=settings.ingest_shared_group,
        batch_max=settings.ingest_batch_max,
        batch_age_s=settings.ingest_batch_age_ms / 1000,
    )


def engine_config(settings: Settings) -> EngineConfig:
    """For `occupancy.engine.run`."""
    return replace(
        engine_config_at(database_url(settings)),
        final_after_h=settings.history_final_after_h,
        retention=retention(settings),
    )


def retention(settings: Settings) -> Retention:
    """How long what is kept."""
    from occupancy.retention import Retention

    return Retention(
        log_months=settings.retention_log_months,
        stays_months=12 * settings.retention_stays_years,
        hours_months=12 * settings.retention_hours_years,
        slots_months=settings.retention_slots_months,
        signs_months=settings.retention_signs_months,
    )


def engine_config_at(url: str) -> EngineConfig:
    """For `occupancy.engine.rebuild`, on a database that may have been started just for it."""
    from occupancy.engine import EngineConfig

    return EngineConfig(database_url=url)


def api_config(settings: Settings) -> ApiConfig:
    """For `api.app.create_app`."""
    from api.config import ApiConfig

    return ApiConfig(
        database_url=database_url(settings),
        allowed_origins=frozenset(settings.http_allowed_origins.split()),
        trusted_proxies=tuple(settings.http_trusted_proxies.split()),
        live_per_address=settings.live_per_address,
        history_least_coverage=settings.history_least_coverage,
        forecast_stale_after_s=settings.forecast_stale_after_s,
        silent_after_ttls=settings.sign_silent_after_ttls,
    )


def publish_config(settings: Settings) -> PublishConfig:
    """For `publish.run.run`."""
    from publish.config import PublishConfig

    return PublishConfig(
        database_url=database_url(settings),
        mqtt_url=mqtt_url(settings),
        silent_after_ttls=settings.sign_silent_after_ttls,
    )


def forecast_config(settings: Settings) -> ForecastConfig:
    """For `occupancy.engine.forecasts.run`."""
    from occupancy.engine.forecasts import ForecastConfig

    return ForecastConfig(
        database_url=database_url(settings),
        data_dir=settings.data_dir.resolve(),
        issues_kept=timedelta(days=settings.retention_forecasts_days),
    )
