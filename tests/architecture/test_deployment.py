"""The production shape cannot be started here, so everything about it that can be wrong is looked at instead."""

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from baycast.cli import build_parser, command_names
from baycast.settings import Settings, variable

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("baycast:")}

DURATION = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
# The parts of the Compose Specification that the file uses, as the specification has them; anything else is refused.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["services"],
    "additionalProperties": False,
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {"^[a-zA-Z0-9._-]+$": {"$ref": "#/$defs/service"}},
        },
        "networks": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"internal": {"type": "boolean"}},
            },
        },
        "volumes": {"type": "object", "additionalProperties": {"type": "object", "maxProperties": 0}},
    },
    "$defs": {
        "service": {
            "type": "object",
            "required": ["image", "networks", "healthcheck", "restart", "logging"],
            "additionalProperties": False,
            "properties": {
                "build": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
                },
                "cap_drop": STRINGS,
                "command": STRINGS,
                "depends_on": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["condition"],
                        "additionalProperties": False,
                        "properties": {
                            "condition": {
                                "enum": [
                                    "service_started",
                                    "service_healthy",
                                    "service_completed_successfully",
                                ]
                            }
                        },
                    },
                },
                "entrypoint": STRINGS,
                "environment": {
                    "type": "object",
                    "patternProperties": {"^[A-Z_]+$": {"type": ["string", "number"]}},
                    "additionalProperties": False,
                },
                "healthcheck": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "disable": {"type": "boolean"},
                        "interval": DURATION,
                        "retries": {"type": "integer"},
                        "start_period": DURATION,
                        "test": STRINGS,
                        "timeout": DURATION,
                    },
                },
                "image": {"type": "string"},
                "init": {"type": "boolean"},
                "logging": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "driver": {"type": "string"},
                        "options": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
                    },
                },
                "networks": STRINGS,
                "ports": STRINGS,
                "profiles": STRINGS,
                "read_only": {"type": "boolean"},
                "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
                "security_opt": STRINGS,
                "shm_size": {"type": ["number", "string"]},
                "stop_grace_period": DURATION,
                "tmpfs": STRINGS,
                "volumes": STRINGS,
            },
        }
    },
}


def test_the_compose_file_is_valid() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(COMPOSE)


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,
    reason="the compose plugin is not installed",
)
def test_docker_itself_accepts_the_compose_file() -> None:
    words = dict.fromkeys(re.findall(r"\$\{(\w+)", TEXT), "x")
    command = ["docker", "compose", "-f", "docker-compose.yml", "--profile", "demo", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/usr/local/bin", **words}, check=False)
    assert done.returncode == 0


def test_every_role_is_there_and_only_the_demo_profile_simulates() -> None:
    assert {"db", "mosquitto", "migrate", "ingest", "engine", "forecast", "api", "publish"} == {
        name for name, service in SERVICES.items() if "profiles" not in service
    }
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]} == {
        "cardiff",
        "simulator",
    }


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_one_of_ours_and_parses(name: str) -> None:
    command = OURS[name]["command"]
    assert command[0] in command_names()
    build_parser(command[0]).parse_args(command)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_is_a_setting(name: str) -> None:
    assert set(OURS[name]["environment"]) <= {variable(field) for field in Settings.model_fields}


def test_what_services_refer_to_is_there() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name
        for volume in service.get("volumes", []):
            source = re.sub(r"^\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], (
                volume
            )
        for script in re.findall(r"/app/(deploy/\S+)", " ".join(service["healthcheck"].get("test", []))):
            assert (ROOT / script).exists()
        if service.get("entrypoint"):
            assert (ROOT / "deploy" / "mosquitto" / Path(service["entrypoint"][-1]).name).exists()
    assert (ROOT / OURS["api"]["build"]["dockerfile"]).exists()


def test_images_are_pinned() -> None:
    for service in SERVICES.values():
        assert re.search(r":\d+\.\d+", service["image"]), service["image"]


def test_no_password_has_a_default() -> None:
    passwords = re.findall(r"\$\{(\w*PASSWORD)(.*?)\}", TEXT)
    assert passwords
    for name, rest in passwords:
        # The simulator's account exists only when it has a password.
        assert rest.startswith(":?") or (name == "BAYCAST_MQTT_SIMULATOR_PASSWORD" and rest == ":-"), name
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("${"), name


def test_only_the_broker_and_the_api_are_reachable_and_on_loopback_unless_told() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"mosquitto", "api"}
    for port in chain.from_iterable(published.values()):
        assert ":-127.0.0.1:" in port


def test_generated_passwords_are_complete_private_and_kept(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    script = shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path / "deploy")
    subprocess.run([script], check=True, capture_output=True)
    env = tmp_path / ".env"
    first = env.read_text()
    assert env.stat().st_mode & 0o077 == 0
    values = dict(line.split("=") for line in first.splitlines())
    assert set(values) == set(re.findall(r"\$\{(\w*PASSWORD)", TEXT))
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in values.values())
    assert len(set(values.values())) == len(values)
    subprocess.run([script], check=True, capture_output=True)
    assert env.read_text() == first


def test_the_image_installs_by_hash_and_runs_without_root() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in dockerfile
    stages = dockerfile.split("\nFROM ")
    assert re.search(r"^USER baycast$", stages[-1], re.MULTILINE)
    assert "HEALTHCHECK" in stages[-1]
    for source in re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE):
        assert (ROOT / source).exists()
    assert ".env" in (ROOT / ".dockerignore").read_text().splitlines()
