"""All settings, and the only file that reads the environment.

Every variable is described in `deploy/.env.example`; a test compares the two. The rooms never see this class:
they declare what they need in small frozen dataclasses, which `wiring.py` fills.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "BAYCAST_"
# Read by the test suite and by docker-compose.yml, not by us.
_OTHERS = (
    "BAYCAST_TEST_",
    "BAYCAST_DB_PASSWORD",
    "BAYCAST_MQTT_PASSWORD",
    "BAYCAST_IMAGE",
    "BAYCAST_PUBLIC_",
)
_PASSWORD_IN_QUERY = re.compile(r"(?<=password=)[^&#]*")


class UsageError(Exception):
    """Wrong input or environment, in one line for the person at the terminal; exit status 2."""


def _url_with_scheme(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        expected = " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            # The parser's own words may quote a piece of the password.
            raise ValueError("is not a URL (special characters in a password are written as %XX)") from None
        if parts.scheme not in schemes:
            raise ValueError(f"must begin with {expected}")
        if schemes[0] == "mqtt" and not parts.hostname:
            raise ValueError("names no host")
        return value

    return AfterValidator(check)


def _networks(text: str) -> str:
    for each in text.split():
        try:
            ip_network(each)
        except ValueError:
            raise ValueError(f"{each} is neither an address nor a network, as 10.0.0.0/8") from None
    return text


Port = Annotated[int, Field(ge=1, le=65535)]
PortOrOff = Annotated[int, Field(ge=0, le=65535)]
DatabaseUrl = Annotated[SecretStr, _url_with_scheme("postgresql", "postgres")]
MqttUrl = Annotated[SecretStr, _url_with_scheme("mqtt", "mqtts")]


class Settings(BaseSettings):
    """The effective settings. Build them with `load()`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    database_url: DatabaseUrl | None = Field(
        default=None, description="PostgreSQL server; unset: the embedded one"
    )
    mqtt_url: MqttUrl | None = Field(
        default=None,
        description="MQTT broker, mqtt://user:password@host:port or mqtts://; unset: the embedded one",
    )
    mqtt_port: Port = Field(default=1883, description="port of the embedded broker, on 127.0.0.1")
    http_host: str = Field(default="127.0.0.1", description="address the API listens on")
    http_port: Port = Field(default=8000, description="port the API listens on")
    http_allowed_origins: str = Field(
        default="",
        description="origins besides our own whose pages may open the WebSocket, separated by spaces",
    )
    http_trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        default="127.0.0.1",
        description="addresses or networks of reverse proxies whose X-Forwarded-For says who asks, separated by"
        " spaces",
    )
    live_per_address: Annotated[int, Field(ge=0)] = Field(
        default=1000,
        description="listeners of the live feed, and as many signs by WebSocket, for one address (IPv6: one /64); 0: no"
        " limit",
    )
    api_processes: Annotated[int, Field(ge=1, le=32)] = Field(
        default=1, description="API processes on this machine, which share the port"
    )
    data_dir: Path = Field(
        default=Path("data"), description="folder of the embedded services and of the logs"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is logged"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="one line per event: for people or for machines"
    )
    log_file_mb: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=10,
        description="size in MiB at which `up` and `demo` rotate a role's log file (one old file is kept)",
    )
    worker_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] = Field(
        default="ingest-1",
        description="name of this ingest worker: its MQTT session and its canary; one per worker",
    )
    ingest_shared_group: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] | None = Field(
        default=None,
        description="MQTT 5 shared subscription group of several ingest workers; unset: `baycast` when"
        " there are several on this machine, else none",
    )
    ingest_workers: Annotated[int, Field(ge=1, le=32)] = Field(
        default=1, description="ingest processes on this machine, which share the feed"
    )
    ingest_batch_max: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1000, description="messages in one transaction at most"
    )
    ingest_batch_age_ms: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=20, description="milliseconds that a message waits for others at most"
    )
    history_final_after_h: Annotated[float, Field(ge=1, le=2160)] = Field(
        default=48, description="hours after its end at which an hour of history becomes final"
    )
    history_least_coverage: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="share of the bay time that must be observed for a figure of history"
    )
    retention_log_months: Annotated[int, Field(ge=0, le=1200)] = Field(
        default=25, description="months that raw readings are kept; 0: for ever"
    )
    retention_stays_years: Annotated[int, Field(ge=0, le=100)] = Field(
        default=3,
        description="years that stays and states of bays are kept, at least as long as readings; 0: for ever",
    )
    retention_hours_years: Annotated[int, Field(ge=0, le=100)] = Field(
        default=10, description="years that hours of history are kept, at least as long as stays; 0: for ever"
    )
    retention_slots_months: Annotated[int, Field(ge=0, le=1200)] = Field(
        default=25, description="months that five minutes of history are kept; 0: for ever"
    )
    retention_forecasts_days: Annotated[int, Field(ge=2, le=3650)] = Field(
        default=40, description="days that issued forecasts are kept; how good they were stays"
    )
    forecast_stale_after_s: Annotated[float, Field(ge=60, le=86_400)] = Field(
        default=900,
        description="age in seconds of an issued forecast at which the API goes by the usual week instead",
    )
    retention_signs_months: Annotated[int, Field(ge=0, le=1200)] = Field(
        default=25,
        description="months that frames of signs, and what signs said they showed, are kept; 0: for ever",
    )
    sign_silent_after_ttls: Annotated[float, Field(ge=1, le=1000)] = Field(
        default=3,
        description="ttls of a sign after which one that says what it shows, and has not, is silent",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="address of the roles' Prometheus ports (the API has /metrics)"
    )
    ingest_metrics_port: PortOrOff = Field(
        default=9101, description="Prometheus port of ingest, worker 2 has it + 10, and so on; 0: off"
    )
    engine_metrics_port: PortOrOff = Field(default=9102, description="Prometheus port of the engine; 0: off")
    publish_metrics_port: PortOrOff = Field(default=9103, description="Prometheus port of publish; 0: off")
    forecast_metrics_port: PortOrOff = Field(
        default=9105, description="Prometheus port of `forecast run`; 0: off"
    )
    api_metrics_port: PortOrOff = Field(
        default=9104,
        description="Prometheus port of the first of several API processes, the second has it + 10, and so on;"
        " 0: off",
    )


def load() -> Settings:
    """Read and check the environment. Raises UsageError naming the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else PREFIX
        problem = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{name}: {problem[0].lower()}{problem[1:]} (see deploy/.env.example)") from None


def unknown_variables() -> list[str]:
    """Variables that look like ours and are not: typing mistakes."""
    known = {variable(name) for name in Settings.model_fields}
    return sorted(
        name
        for name in os.environ  # noqa: TID251
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OTHERS)
    )


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def child_environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """Our environment with changes, for a child process."""
    return {**os.environ, **overrides}  # noqa: TID251


def search_path() -> str:
    """The PATH of this process."""
    return os.environ.get("PATH", os.defpath)  # noqa: TID251


def masked(url: str) -> str:
    """The URL without the passwords in it, for people to read."""
    scheme, _, rest = url.partition("://")
    user_info, at, place = rest.rpartition("@")
    user, colon, _ = user_info.partition(":")
    return _PASSWORD_IN_QUERY.sub("***", f"{scheme}://{user}{colon}{'***' if colon else ''}{at}{place}")


def shown(value: object) -> str:
    """A setting's value as it may be printed."""
    if value is None:
        return ""
    return masked(value.get_secret_value()) if isinstance(value, SecretStr) else str(value)
