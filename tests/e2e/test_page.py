"""The page's structure: nothing from another host, no inline code, both languages complete."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api.routes.page import files
from occupancy.model import Source

FILES = {name: body.decode() for name, body in files().items()}
PAGES = [name for name in FILES if name.endswith(".html")]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def words() -> dict[str, dict[str, str]]:
    """Read the word table: the part of words.js between its braces is JSON but for unquoted keys and commas."""
    text = FILES["words.js"].split("WORDS = ", 1)[1].split(";\n", 1)[0]
    text = re.sub(r"^(\s*)(\w+):", r'\1"\2":', text, flags=re.MULTILINE)
    text = re.sub(r",(\s*})", r"\1", text)
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_comes_from_another_host(name: str) -> None:
    allowed = FILES[name].replace("http://www.w3.org/2000/svg", "")

    assert re.search(r"https?://(?!\$)|[\"'(]//", allowed) is None


@pytest.mark.parametrize("name", PAGES)
def test_no_inline_script_style_or_handler(name: str) -> None:
    for tag, attributes in Tags(FILES[name]).found:
        assert "style" not in attributes
        assert not any(attribute.startswith("on") for attribute in attributes)
        assert tag != "style"
        if tag == "script":
            assert str(attributes["src"]).startswith("/static/")


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_asks_for_is_there(name: str) -> None:
    for _tag, attributes in Tags(FILES[name]).found:
        for attribute in ("src", "href"):
            target = str(attributes.get(attribute) or "")
            if target.startswith("/static/"):
                assert Path(target).name in FILES


def test_modules_import_what_is_there() -> None:
    for name, text in FILES.items():
        if name.endswith(".js"):
            assert {Path(target).name for target in re.findall(r'from "(/static/[^"]+)"', text)} <= set(FILES)


def test_html_is_never_built_from_text() -> None:
    for name, text in FILES.items():
        if name.endswith(".js"):
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), name


def test_both_languages_say_everything() -> None:
    table = words()

    assert table["en"].keys() == table["cy"].keys()
    for name, text in table["en"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", table["cy"][name])), name


def test_every_word_used_is_in_the_table() -> None:
    known = words()["en"].keys()
    marked = {
        attributes["data-word"]
        for _tag, attributes in Tags(FILES["index.html"]).found
        if "data-word" in attributes
    }
    spoken = set(re.findall(r'word\("(\w+)"\)', FILES["live.js"]))

    assert marked | spoken <= known


def test_what_is_expected_has_words_of_its_own() -> None:
    """Every source and every likelihood of a forecast, in words that no live number has."""
    table = words()
    likelihoods = set(re.findall(r'"(likely|possible|unlikely)"', FILES["arrival.js"]))
    assert likelihoods == {"likely", "possible", "unlikely"}
    sources = {source.value for source in (Source.FORECAST, Source.TYPICAL, Source.PRIOR)}
    states = {"asking", "told", "no_forecast"}
    for language in table.values():
        own = {language[name] for name in likelihoods | sources | states}
        assert len(own) == len(likelihoods | sources | states)
        assert not own & {language[name] for name in ("many", "some", "few", "none", "live")}


def test_every_id_that_the_script_looks_for_is_on_the_page() -> None:
    ids = {attributes.get("id") for _tag, attributes in Tags(FILES["index.html"]).found}

    assert set(re.findall(r'element\("([\w-]+)"\)', FILES["live.js"])) <= ids
