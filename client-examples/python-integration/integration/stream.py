"""The shop's Redis Stream, as one consumer of a group."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, cast

from pydantic import BaseModel, Json
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

COUNT = 100
"""Events read at once."""

LONGEST_WAIT = 30.0
"""Seconds, between attempts to come back."""

log = logging.getLogger(__name__)

Entries = list[tuple[str, dict[str, str] | None]]


class Event(BaseModel):
    """An event of the log. `docs/events.md` says which `kind` has what as its `data`; `id` tells a repeat."""

    id: str
    epoch: int
    position: int
    at: datetime
    kind: str
    topics: str
    data: Json[dict[str, Any]] = {}


@dataclass
class Consumer:
    """One of several that share the work of `group`.

    An event is acknowledged once `handle` is through with it. What a consumer had when it died, it is given again when it comes
    back under its name; if it does not, another takes it over after `idle_ms`. `redis` must decode its responses, and its
    `socket_timeout` be longer than `block_ms`. It need not try anything again by itself: `run` does, and says so.
    """

    redis: Redis
    group: str
    name: str
    handle: Callable[[Event], Awaitable[None]]
    stream: str = "qc:events"
    idle_ms: int = 60_000
    block_ms: int = 1_000

    async def run(self) -> None:
        """Deal with events until cancelled, whatever becomes of Redis.

        A password or a user that Redis refuses is not mended by coming back: these errors leave, and those of `handle`.
        """
        tries = 0
        while True:
            began = monotonic()
            try:
                await self._work()
            except (AuthenticationError, AuthorizationError, NoPermissionError):
                raise
            except (RedisConnectionError, RedisTimeoutError, ResponseError) as error:
                # it went away, is silent, or came back without what it had: the group is made anew, and the shop adds what it
                # still keeps
                tries = 0 if monotonic() - began > LONGEST_WAIT else tries + 1
                # without the limit the power is too large for a float after some hours
                wait = min(LONGEST_WAIT, 0.5 * 2 ** min(tries, 6))
                log.warning("Redis: %s; trying again in %.0f s", error or type(error).__name__, wait)
                await asyncio.sleep(wait)

    async def _work(self) -> None:
        await self.join()
        await self.finish_own()
        looked = 0.0
        while True:
            if monotonic() - looked >= self.idle_ms / 2_000:
                await self.take_over()
                looked = monotonic()
            await self.read_next()

    async def join(self) -> None:
        """Begin with the oldest event that is kept. A group that is there stays where it is."""
        try:
            await self.redis.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def finish_own(self) -> None:
        """Deal with what this consumer was given before, and did not acknowledge."""
        while entries := await self._read("0"):
            await self._deal(entries)

    async def read_next(self) -> None:
        """Deal with what nobody was given yet; wait for it a while."""
        await self._deal(await self._read(">"))

    async def take_over(self) -> None:
        """Deal with what others were given, and have been silent about."""
        start = "0-0"
        while True:
            reply = await self.redis.xautoclaim(self.stream, self.group, self.name, self.idle_ms, start, count=COUNT)
            start, entries = cast("tuple[str, Entries]", tuple(reply[:2]))
            await self._deal(entries)
            if start == "0-0":
                return

    async def _read(self, after: str) -> Entries:
        reply = await self.redis.xreadgroup(self.group, self.name, {self.stream: after}, count=COUNT, block=self.block_ms)
        streams = cast("list[tuple[str, Entries]]", reply)
        return streams[0][1] if streams else []

    async def _deal(self, entries: Entries) -> None:
        for entry, fields in entries:
            # without fields it was trimmed in the meantime: there is nothing left to deal with
            if fields:
                await self.handle(Event.model_validate(fields))
            await self.redis.xack(self.stream, self.group, entry)
