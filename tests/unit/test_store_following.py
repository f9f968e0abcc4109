"""Whoever follows the store ends when it is told to, whatever its tasks are in the middle of."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from api.access import Access
from api.config import ApiConfig
from api.live import Live, utc_now
from api.sign_live import SignFrames
from store.following import end

NOWHERE = "postgresql://127.0.0.1:1/nothing"


def test_a_task_that_misses_its_end_is_told_again() -> None:
    missed = []

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        missed.append(True)
        await asyncio.Event().wait()

    async def ended() -> list[bool]:
        tasks = asyncio.create_task(deaf()), asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        await asyncio.wait_for(end(*tasks), 30)
        return [task.done() for task in tasks]

    assert asyncio.run(ended()) == [True, True]
    assert missed == [True]


def test_who_is_told_to_end_while_tasks_end_waits_for_them() -> None:
    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def ended() -> tuple[bool, bool]:
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        ending = asyncio.create_task(end(task))
        await asyncio.sleep(0)
        ending.cancel()
        await asyncio.wait({ending}, timeout=30)
        return task.done(), ending.cancelled()

    assert asyncio.run(ended()) == (True, True)


def _live() -> Live:
    return Live(ApiConfig(database_url=NOWHERE))


def _frames() -> SignFrames:
    live = _live()
    return SignFrames(live.config, live)


def _access() -> Access:
    return Access(ApiConfig(database_url=NOWHERE), clock=utc_now)


@pytest.mark.parametrize(
    ("made", "loop"), [(_live, "_beat"), (_frames, "_tick"), (_access, "_write_denials")]
)
def test_what_an_api_does_beside_ends_with_it(
    made: Callable[[], Live | SignFrames | Access], loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = []

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        missed.append(True)
        await asyncio.Event().wait()

    async def served() -> None:
        one = made()
        monkeypatch.setattr(one, loop, deaf)
        async with one.running():
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(served(), 30))
    assert missed == [True]
