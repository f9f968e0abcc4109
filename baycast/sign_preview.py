"""`baycast signs preview`: a sign of the registry, or one that is only a file, by what the database knows now."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from baycast.reachability import require_database
from baycast.settings import Settings, UsageError
from baycast.wiring import publish_config
from occupancy.model import Sign, SignId
from occupancy.registry import RegistryError, entity
from publish.config import PublishConfig
from publish.view import Moment, View, fresh_areas
from signs.frame import Frame
from signs.making import frame
from signs.preview import Preview, preview
from store.feed import Feed

_UNREGISTERED = "preview"
"""The id of a sign that is only a file."""


def look(settings: Settings, sign_id: str | None, file: Path | None) -> Preview:
    """Raises `UsageError` for a database, a sign or a file that is not there."""
    config = publish_config(settings)
    require_database(config.database_url)
    return asyncio.run(_look(config, sign_id, file))


def in_words(found: Preview) -> Iterator[str]:
    """What is shown, a line for each page, and which words nobody has confirmed."""
    if found.frame is not None:
        yield f"{found.frame.state}" if found.frame.pages else f"{found.frame.state} (blank)"
        yield from (f"{page.language}: {' / '.join(page.lines)}" for page in found.frame.pages)
    for state, language, text in found.unconfirmed:
        yield f"unconfirmed: {state} {language} {text!r}"


async def _look(config: PublishConfig, sign_id: str | None, file: Path | None) -> Preview:
    async with Feed(config.database_url) as feed:
        if feed.followed_s is None:
            raise UsageError("signs preview: the database lacks baycast's tables: run `baycast migrate`")
        try:
            sign = _registered(feed, sign_id) if file is None else _read(file)
        except RegistryError as error:
            return Preview(refused=(error,))
        areas = [str(area_id) for area_id in feed.registries]
        return preview(sign, feed.registries.get(sign.area_id), areas, lambda: _frame(feed, config, sign))


def _registered(view: View, sign_id: str | None) -> Sign:
    for registry in view.registries.values():
        sign = registry.signs.get(SignId(sign_id or ""))
        if sign is not None:
            return sign
    raise UsageError(f"there is no sign {sign_id!r}")


def _read(file: Path) -> Sign:
    """Raises `RegistryError` for a document that is no sign."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError(f"--file {file}: {problem}") from None
    sign = entity("sign", _UNREGISTERED, document)
    if not isinstance(sign, Sign):
        raise TypeError(f"a sign was read as {sign!r}")
    return sign


def _frame(view: View, config: PublishConfig, sign: Sign) -> Frame:
    moment = Moment(datetime.fromtimestamp(time.time(), UTC), time.monotonic())
    zones = [view.zones[zone_id] for zone_id in sign.zone_ids if zone_id in view.zones]
    live = view.areas[sign.area_id]
    return frame(
        sign,
        live.area,
        [zone.availability for zone in zones],
        now=moment.now,
        sequence=0,
        fresh=sign.area_id in fresh_areas(view, config, moment),
        versions={zone.zone.zone_id: f"{live.generation}.{zone.version}" for zone in zones},
    )
