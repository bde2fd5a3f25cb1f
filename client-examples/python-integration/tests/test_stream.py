"""The Redis Stream that a real server adds its events to."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from integration.stream import Consumer, Event
from tests.people import Person

pytestmark = pytest.mark.anyio
STREAM = os.environ.get("REDIS_STREAM", "qc:events")


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    """Connect to the server's Redis."""
    if "REDIS_URL" not in os.environ:
        pytest.skip("REDIS_URL does not say where the server's Redis is")
    async with Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as redis:
        yield redis


async def test_what_a_dead_consumer_had_is_taken_over(redis: Redis, customer: Person) -> None:
    """Every event is dealt with, and none that was acknowledged comes again."""
    order = customer.order()
    group, handled = f"test-{uuid4()}", list[str]()

    async def die(_: Event) -> None:
        raise asyncio.CancelledError

    async def handle(event: Event) -> None:
        handled.append(event.id)
        changed = event.data.get("order", {})
        if event.kind == "order.changed" and changed.get("id") == order and changed.get("status") == "CANCELLED":
            raise asyncio.CancelledError

    with suppress(asyncio.CancelledError):
        await Consumer(redis, group, "first", die, stream=STREAM).run()
    had = {entry["message_id"] for entry in await redis.xpending_range(STREAM, group, "-", "+", 100)}
    assert had, "it was given events and acknowledged none"

    customer.cancel(order)
    with suppress(asyncio.CancelledError):
        async with asyncio.timeout(60):
            await Consumer(redis, group, "second", handle, stream=STREAM, idle_ms=0).run()
    left = {entry["message_id"] for entry in await redis.xpending_range(STREAM, group, "-", "+", 100)}
    assert not had & left
    assert len(handled) == len(set(handled))
    await redis.xgroup_destroy(STREAM, group)
