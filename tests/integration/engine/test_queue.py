"""The queue inside a worker, when more is asked of it at once than it has connections."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from rowport.runtime.queue import TICKETS
from rowport.runtime.worker import Worker, register

if TYPE_CHECKING:
    import procrastinate
    from tests.integration.engine.conftest import Engine

PATIENCE_S = 20.0


async def _wake_while_no_connection_is_free(app: procrastinate.App) -> None:
    """Begin with all connections in use, and let others wait for them too."""
    async with app.open_async(), AsyncExitStack() as held:
        connector: Any = app.connector
        for _ in range(connector.pool.max_size):
            await held.enter_async_context(connector.pool.connection())
        wake = app.tasks["wake"].func
        asking = [
            asyncio.create_task(what())
            for what in (wake, app.check_connection_async, wake, app.check_connection_async)
        ]
        await asyncio.sleep(0)  # each comes so far as to wait
        assert connector.pool.get_stats()["requests_waiting"] == len(asking)
        await held.aclose()
        await asyncio.wait_for(asyncio.gather(*asking), PATIENCE_S)


def test_tickets_that_wait_for_a_connection_keep_nobody_waiting(engine: Engine) -> None:
    app = engine.rowport.new_app()
    register(app, Worker(engine.rowport.surroundings()))
    asyncio.run(_wake_while_no_connection_is_free(app))
    found = engine.sql("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'drain'")
    assert found == [{"count": TICKETS}]
