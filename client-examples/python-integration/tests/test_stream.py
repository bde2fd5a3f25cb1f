"""The Redis Stream that a real server adds its events to."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as RedisConnectionError

from integration.stream import LONGEST_WAIT, TRIES, Consumer, Event
from tests.network import Network
from tests.people import Person

pytestmark = pytest.mark.anyio
STREAM = os.environ.get("REDIS_STREAM", "qc:events")
EVENT = {"id": "evt_1", "epoch": "1", "position": "2", "at": "2026-11-21T08:48:30Z", "kind": "test.happened", "topics": ""}


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


class Sayings(logging.Handler):
    """What the consumer says; a test waits for it."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        self.said = asyncio.Queue[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said.put_nowait(record.getMessage())


@pytest.fixture
async def sayings() -> AsyncIterator[Sayings]:
    """Listen to the consumer."""
    sayings, log = Sayings(), logging.getLogger("integration.stream")
    log.addHandler(sayings)
    yield sayings
    log.removeHandler(sayings)


async def test_a_redis_that_falls_silent_is_waited_for(redis: Redis, customer: Person, sayings: Sayings) -> None:
    """As one whose machine stands still, or that is cut off without a word. What happened meanwhile is not missed."""
    address = urlsplit(os.environ["REDIS_URL"])
    network = Network(address.hostname or "", address.port or 6379)
    near = f"redis://127.0.0.1:{await network.open()}"
    group, handled = f"test-{uuid4()}", asyncio.Queue[str]()

    async def handle(event: Event) -> None:
        handled.put_nowait(event.data.get("order", {}).get("id", ""))

    async def hears_of(order: str) -> None:
        while await handled.get() != order:
            pass

    client = Redis.from_url(near, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=0.5)
    consumer = asyncio.create_task(Consumer(client, group, "only", handle, stream=STREAM, block_ms=100).run())
    async with client, asyncio.timeout(60):
        await hears_of(customer.order())
        network.silence()
        order = customer.order()
        for _ in range(2):
            assert "trying again" in await sayings.said.get()
        assert not consumer.done()
        network.speak()
        await hears_of(order)
        consumer.cancel()
    await redis.xgroup_destroy(STREAM, group)


async def test_a_redis_that_is_away_for_days_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it was tried, there is another time, and it is never far."""
    waits: list[float] = []

    async def be_away(_: Consumer) -> None:
        raise RedisConnectionError

    async def note(wait: float) -> None:
        waits.append(wait)
        if len(waits) == 2_000:
            raise asyncio.CancelledError

    async def handle(_: Event) -> None:
        pass

    monkeypatch.setattr(Consumer, "join", be_away)
    monkeypatch.setattr("integration.stream.asyncio.sleep", note)
    with pytest.raises(asyncio.CancelledError):
        await Consumer(Redis(), "any", "only", handle).run()
    assert waits[:3] == [1, 2, 4]
    assert max(waits) == waits[-1] == LONGEST_WAIT


class Pending:
    """A Redis whose stream has one event that nobody can deal with, one that somebody can, and one that it has let go of."""

    def __init__(self) -> None:
        """Nobody was given anything yet."""
        self.given = 0
        self.left: dict[str, dict[str, str]] = {"7-1": {"kind": "nonsense"}, "7-2": EVENT}
        self.gone = ["7-0"]

    async def xgroup_create(self, *_: object, **__: object) -> None:
        """Make the group."""

    async def xreadgroup(self, *_: object, **__: object) -> list[object]:
        """Have nothing new, and nothing of one's own."""
        await asyncio.sleep(0)
        return []

    async def xautoclaim(self, *_: object, **__: object) -> list[object]:
        """Give everything to whoever asks."""
        self.given += 1
        gone, self.gone = self.gone, []
        return ["0-0", list(self.left.items()), gone]

    async def xpending_range(self, *_: object) -> list[dict[str, int]]:
        """Tell how often."""
        return [{"times_delivered": self.given}]

    async def xack(self, _stream: str, _group: str, entry: str) -> None:
        """End once nothing is left."""
        del self.left[entry]
        if not self.left:
            raise asyncio.CancelledError


async def test_an_event_that_cannot_be_dealt_with_is_put_aside(sayings: Sayings) -> None:
    """After several attempts, and the others do not wait for it."""
    redis, handled = Pending(), list[tuple[str, int]]()

    async def handle(event: Event) -> None:
        handled.append((event.id, redis.given))

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(60):
            await Consumer(cast(Redis, redis), "any", "only", handle, idle_ms=0).run()
    assert handled == [("evt_1", 1)]
    assert redis.given == TRIES
    said = [sayings.said.get_nowait() for _ in range(sayings.said.qsize())]
    missed = "missed 1 event, 0, which somebody had been given: the stream has let go of it"
    assert said == [missed, *["could not deal with 7-1"] * TRIES, 'put aside 7-1: {"kind": "nonsense"}']


async def test_a_wrong_password_is_not_tried_again(redis: Redis) -> None:
    """Neither is what a user may not do: whoever runs the program has to see to it."""

    async def handle(_: Event) -> None:
        pass

    user = f"test-{uuid4()}"
    await redis.acl_setuser(user, enabled=True, passwords=["+right"], commands=["+ping"])
    for password, refusal in (("wrong", AuthenticationError), ("right", NoPermissionError)):
        async with (
            Redis.from_url(os.environ["REDIS_URL"], username=user, password=password, decode_responses=True) as refused,
            asyncio.timeout(60),
        ):
            with pytest.raises(refusal):
                await Consumer(refused, "any", "only", handle, stream=STREAM).run()
    await redis.acl_deluser(user)
