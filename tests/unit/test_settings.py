from pathlib import Path

import pytest

from baycast import cli
from baycast.settings import Settings, UsageError, load, masked, shown, unknown_variables, variable

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:secret@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:sec@ret@h/db", "postgresql://u:***@h/db"),
        (
            "postgresql://u@h/db?password=secret&sslmode=require",
            "postgresql://u@h/db?password=***&sslmode=require",
        ),
        ("mqtt://h:1883", "mqtt://h:1883"),
        ("postgresql://postgres@/db?host=%2Frun", "postgresql://postgres@/db?host=%2Frun"),
    ],
)
def test_masked_urls_keep_all_but_the_password(url: str, expected: str) -> None:
    assert masked(url) == expected


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BAYCAST_HTTP_PORT", "eight", "integer"),
        ("BAYCAST_HTTP_PORT", "70000", "65535"),
        ("BAYCAST_DATABASE_URL", "mysql://u:hidden@h/db", "postgresql://"),
        ("BAYCAST_MQTT_URL", "http://u:hidden@h", "mqtt://"),
        ("BAYCAST_MQTT_URL", "mqtt://", "no host"),
        ("BAYCAST_DATABASE_URL", "postgresql://u:hid/den@h/db", "%XX"),
        ("BAYCAST_WORKER_ID", "Ingest 1", "pattern"),
        ("BAYCAST_HTTP_TRUSTED_PROXIES", "127.0.0.1 proxy", "proxy is neither an address"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_and_keeps_the_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        load()
    text = str(caught.value)
    assert text.startswith(f"{name}: ")
    assert says in text
    assert "\n" not in text
    assert "hid" not in text


def test_the_command_line_prints_the_line_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_HTTP_PORT", "eight")
    assert cli.main(["config"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("baycast: BAYCAST_HTTP_PORT: ")
    assert printed.err.count("\n") == 1


def test_config_prints_every_setting_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYCAST_DATABASE_URL", "postgresql://u:hidden@h/db")
    monkeypatch.setenv("BAYCAST_MQTT_URL", "mqtt://u:hidden@h")
    assert cli.main(["config"]) == 0
    printed = capsys.readouterr().out
    assert "hidden" not in printed
    for field in Settings.model_fields:
        assert f"\n{variable(field)}=" in f"\n{printed}"


def test_a_misspelt_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYCAST_HTPT_PORT", "1")
    monkeypatch.setenv("BAYCAST_DB_PASSWORD", "belongs to the compose file")
    assert unknown_variables() == ["BAYCAST_HTPT_PORT"]


def test_every_setting_is_documented_with_its_default_and_nothing_else_is() -> None:
    documented = {}
    for line in (ROOT / "deploy" / ".env.example").read_text(encoding="utf-8").splitlines():
        if line.startswith("#BAYCAST_"):
            name, _, value = line.removeprefix("#").partition("=")
            documented[name] = value
    defaults = {variable(name): shown(field.default) for name, field in Settings.model_fields.items()}
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name, value in documented.items():
        if name in defaults:
            assert value == defaults[name], name
        else:
            assert f"${{{name}:" in compose, f"{name} is neither a setting nor used by docker-compose.yml"
    assert set(defaults) <= set(documented)


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
