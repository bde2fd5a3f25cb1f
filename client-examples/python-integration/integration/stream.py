"""The shop's Redis Stream, as one consumer of a group."""

import asyncio
import json
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

TRIES = 5
"""How often an event is given to somebody of the group before it is put aside."""

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
    back under its name; if it does not, another takes it over after `idle_ms`. So is one that `handle` raised an error about,
    until that was `TRIES` times: then it is logged, and acknowledged. `handle` waits for what will pass, such as a database that
    is away: what it raises is taken for the event's own fault. `redis` must decode its responses, and its
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

        A password or a user that Redis refuses is not mended by coming back: these errors leave.
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
        after = "0"
        while entries := await self._read(after):
            await self._deal(entries)
            # what could not be dealt with is still there: from the beginning it would be read for ever
            after = entries[-1][0]

    async def read_next(self) -> None:
        """Deal with what nobody was given yet; wait for it a while."""
        await self._deal(await self._read(">"))

    async def take_over(self) -> None:
        """Deal with what others were given, and have been silent about, and what could not be dealt with the last time."""
        start = "0-0"
        while True:
            reply = await self.redis.xautoclaim(self.stream, self.group, self.name, self.idle_ms, start, count=COUNT)
            start, entries, gone = cast("tuple[str, Entries, list[str]]", tuple(reply))
            for entry in gone:
                # Redis takes these out of what is pending by itself
                _miss(entry)
            await self._deal(entries)
            if start == "0-0":
                return

    async def _read(self, after: str) -> Entries:
        reply = await self.redis.xreadgroup(self.group, self.name, {self.stream: after}, count=COUNT, block=self.block_ms)
        streams = cast("list[tuple[str, Entries]]", reply)
        return streams[0][1] if streams else []

    async def _deal(self, entries: Entries) -> None:
        for entry, fields in entries:
            if not fields:
                _miss(entry)
            elif not await self._is_done(entry, fields):
                continue
            await self.redis.xack(self.stream, self.group, entry)

    async def _is_done(self, entry: str, fields: dict[str, str]) -> bool:
        """Deal with it; return whether nothing is left to do. Otherwise it stays pending, and the others do not wait for it."""
        try:
            await self.handle(Event.model_validate(fields))
        except Exception:
            log.exception("could not deal with %s", entry)
        else:
            return True
        # Redis counts, so it matters not who tried, nor whether they were started anew in between
        pending = await self.redis.xpending_range(self.stream, self.group, entry, entry, 1)
        if pending and int(pending[0]["times_delivered"]) < TRIES:
            return False
        # if it is pending no more, somebody has dealt with it
        if pending:
            log.error("put aside %s: %s", entry, json.dumps(fields))
        return True


def _miss(entry: str) -> None:
    log.warning("missed 1 event, %s, which somebody had been given: the stream has let go of it", entry.partition("-")[2])
