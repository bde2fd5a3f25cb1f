"""The shop's API, as the holder of an API key sees it."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from typing import TypeVar, cast

import httpx
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException

from shop_api.client import ShopApi
from shop_api.exceptions import (
    GraphQLClientError,
    GraphQLClientGraphQLMultiError,
    GraphQLClientHttpError,
    GraphQLClientInvalidResponseError,
)
from shop_api.follow_orders import (
    FollowOrders,
    FollowOrdersAdminUpdatesAdminSnapshot,
    FollowOrdersAdminUpdatesOrderChanged,
    FollowOrdersAdminUpdatesPartnerChanged,
    FollowOrdersAdminUpdatesStreamReset,
)
from shop_api.fragments import OrderLine
from shop_api.input_types import OrderFilter

FORBIDDEN = 4403
"""How the server closes the socket of a key that is revoked, has expired, or never was one."""

LONGEST_WAIT = 30.0
"""Seconds, between attempts to come back."""

TRIES = 8
"""How often a request is sent before it is given up: for half a minute, more or less."""

PAGE = 100
"""Orders asked for at once; the most that the server gives."""

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

Update = (
    FollowOrdersAdminUpdatesAdminSnapshot
    | FollowOrdersAdminUpdatesOrderChanged
    | FollowOrdersAdminUpdatesPartnerChanged
    | FollowOrdersAdminUpdatesStreamReset
)
"""An item of the subscription; each has a `cursor`."""


class KeyRefusedError(Exception):
    """The API key does not work any more. Only an admin of the shop can help."""


class UnreachableError(Exception):
    """The shop did not answer, however often it was asked."""


def connect(url: str, key: str) -> ShopApi:
    """Return a client of the shop at `url`, such as `https://shop.example`. The key goes over HTTP and with the socket."""
    authorization = {"Authorization": f"Bearer {key}"}
    return ShopApi(
        url=f"{url}/graphql",
        headers=authorization,
        ws_url=f"{url.replace('http', 'ws', 1)}/graphql",
        ws_connection_init_payload=authorization,
    )


async def ask(request: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the answer to `request`, which is sent again while the shop cannot answer: it must be one that may come twice."""
    for tries in range(TRIES):
        try:
            return await request()
        except httpx.UnsupportedProtocol:
            raise  # it will be none tomorrow either
        except GraphQLClientGraphQLMultiError as refusal:
            if not _is_retryable(refusal):
                raise
            why: Exception = refusal
        except GraphQLClientHttpError as error:
            if error.status_code == HTTPStatus.UNAUTHORIZED:
                raise KeyRefusedError from error
            if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and error.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            why = error
        except (httpx.TransportError, GraphQLClientInvalidResponseError) as error:
            why = error
        if tries < TRIES - 1:
            await _pause(tries, why)
    message = f"the shop does not answer, given up after {TRIES} times: {_told(why)}"
    raise UnreachableError(message) from why


async def orders(api: ShopApi, which: OrderFilter | None = None) -> AsyncIterator[OrderLine]:
    """Yield all orders, newest first, page by page."""
    after: str | None = None
    while True:
        page = (await ask(partial(api.list_orders, first=PAGE, after=after, filter_=which))).admin.orders
        for order in page.nodes:
            yield order
        if not page.page_info.has_next_page:
            return
        after = page.page_info.end_cursor


async def follow(api: ShopApi, cursor: str | None = None) -> AsyncGenerator[Update, None]:
    """Yield each change of each order, without a gap, for as long as the key works.

    When the connection breaks it is made again, and goes on behind the last item that the caller came back from. Keep the
    item's `cursor` together with what you made of it, and pass it here at the next start. After a `StreamReset` changes are
    missing: list the orders anew.
    """
    tries = 0
    while True:
        answers = cast("AsyncGenerator[FollowOrders, None]", api.follow_orders(after=cursor))
        try:
            async with aclosing(answers):
                async for answer in answers:
                    yield answer.admin_updates
                    cursor = answer.admin_updates.cursor
                    tries = 0
        except GraphQLClientGraphQLMultiError as refusal:
            if not _is_retryable(refusal):
                raise
            why: Exception = refusal
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code == FORBIDDEN:
                raise KeyRefusedError from closed
            why = closed
        except InvalidURI:
            raise  # it will be none tomorrow either
        except (OSError, WebSocketException, GraphQLClientError) as error:
            why = error  # the server is away, or did not answer in time
        else:
            why = EOFError("the server has nothing more to say")
        await _pause(tries, why)
        tries += 1


def _is_retryable(refusal: GraphQLClientGraphQLMultiError) -> bool:
    return all((error.extensions or {}).get("retryable") for error in refusal.errors)


def _told(why: Exception) -> str:
    """Return what an error says; some say nothing."""
    return str(why) or type(why).__name__


async def _pause(tries: int, why: Exception) -> None:
    """Say why, and wait: longer each time, and by chance, so that many that were cut off together come back one by one."""
    wait = random.random() * min(LONGEST_WAIT, 0.5 * 2 ** min(tries, 6))  # noqa: S311 - no secret
    log.warning("The shop: %s; trying again in %.1f s", _told(why), wait)
    await asyncio.sleep(wait)
