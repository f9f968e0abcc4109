"""A publisher ends when it is told to, whatever its tasks are in the middle of."""

import asyncio
import contextlib

from publish.run import end


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
