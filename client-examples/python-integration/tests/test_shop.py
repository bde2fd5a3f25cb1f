"""The API, with a key."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest

from integration import shop
from shop_api.client import ShopApi
from shop_api.exceptions import GraphQLClientGraphQLMultiError, GraphQLClientHttpError
from shop_api.follow_orders import FollowOrdersAdminUpdatesAdminSnapshot, FollowOrdersAdminUpdatesOrderChanged
from shop_api.input_types import CreateWebhookEndpointInput
from tests.network import Network
from tests.people import Person

pytestmark = pytest.mark.anyio

PAGE = {"data": {"admin": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return for how long was waited; nobody waits here."""
    waits: list[float] = []

    async def note(wait: float) -> None:
        waits.append(wait)

    monkeypatch.setattr("integration.shop.asyncio.sleep", note)
    return waits


def shop_that(answers: Callable[[httpx.Request], httpx.Response]) -> ShopApi:
    """Return a client of a shop that is not there."""
    # httpx's own is what the generated client uses, although its types say otherwise
    client = cast("Any", httpx.AsyncClient(transport=httpx.MockTransport(answers)))
    return ShopApi(url="http://shop.example/graphql", http_client=client)


async def test_orders_are_asked_for_again_while_the_shop_cannot_answer(
    waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the reason is, it is said each time."""
    answers: Iterator[Exception | httpx.Response] = iter(
        [
            httpx.ConnectError("connection refused"),
            httpx.ReadTimeout(""),
            httpx.Response(HTTPStatus.BAD_GATEWAY, text="a proxy's page"),
            httpx.Response(HTTPStatus.TOO_MANY_REQUESTS),
            httpx.Response(HTTPStatus.OK, text="another"),
            httpx.Response(HTTPStatus.OK, json={"errors": [{"message": "busy", "extensions": {"retryable": True}}]}),
            httpx.Response(HTTPStatus.OK, json=PAGE),
        ]
    )

    def answer(_: httpx.Request) -> httpx.Response:
        told = next(answers)
        if isinstance(told, Exception):
            raise told
        return told

    async with shop_that(answer) as api:
        assert [order async for order in shop.orders(api)] == []
    said = [record.getMessage() for record in caplog.records if record.name == "integration.shop"]
    assert len(said) == len(waits) == 6
    assert all("trying again" in line for line in said)
    assert "connection refused" in said[0]
    assert "ReadTimeout" in said[1]


async def test_a_shop_that_never_answers_is_given_up(waits: list[float]) -> None:
    """After some time, and with the reason."""

    def refuse(_: httpx.Request) -> httpx.Response:
        message = "connection refused"
        raise httpx.ConnectError(message)

    async with shop_that(refuse) as api:
        with pytest.raises(shop.UnreachableError, match="connection refused"):
            await anext(shop.orders(api))
    assert len(waits) == shop.TRIES - 1


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        (httpx.Response(HTTPStatus.UNAUTHORIZED), shop.KeyRefusedError),
        (httpx.Response(HTTPStatus.BAD_REQUEST), GraphQLClientHttpError),
        (httpx.Response(HTTPStatus.OK, json={"errors": [{"message": "no", "extensions": {}}]}), GraphQLClientGraphQLMultiError),
    ],
    ids=["the key", "the request", "the rules"],
)
async def test_what_the_shop_refuses_is_not_asked_for_again(
    waits: list[float], told: httpx.Response, refusal: type[Exception]
) -> None:
    """It would be refused again."""
    async with shop_that(lambda _: told) as api:
        with pytest.raises(refusal):
            await anext(shop.orders(api))
    assert not waits


async def test_every_order_is_listed_once(url: str, admin: Person, customer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when there are more than fit on a page."""
    placed = [customer.order() for _ in range(3)]
    monkeypatch.setattr(shop, "PAGE", 2)
    _, secret = admin.key("ORDERS_READ")
    async with shop.connect(url, secret) as api:
        listed = [order.id async for order in shop.orders(api)]
    assert listed.index(placed[2]) < listed.index(placed[1]) < listed.index(placed[0])
    assert len(set(listed)) == len(listed)
    for order in placed:
        customer.cancel(order)


async def test_changes_come_without_a_gap_when_the_line_is_cut(url: str, admin: Person, customer: Person) -> None:
    """And the program does not begin anew: it goes on behind the last cursor."""
    address = urlsplit(url)
    network = Network(address.hostname or "", address.port or 80)
    _, secret = admin.key("ORDERS_READ")
    versions: dict[str, list[int]] = {}
    statuses: dict[str, str] = {}
    async with shop.connect(f"http://127.0.0.1:{await network.open()}", secret) as api, aclosing(shop.follow(api)) as updates:
        assert isinstance(await anext(updates), FollowOrdersAdminUpdatesAdminSnapshot)
        ours = [customer.order()]
        async for update in updates:
            assert not isinstance(update, FollowOrdersAdminUpdatesAdminSnapshot), "it began anew"
            if not isinstance(update, FollowOrdersAdminUpdatesOrderChanged) or update.order.id not in ours:
                continue
            order = update.order
            versions.setdefault(order.id, []).append(order.version)
            statuses[order.id] = order.status
            if len(ours) == 1:
                # in the middle of the first one's changes
                network.cut()
                ours.append(customer.order())
                for order_id in ours:
                    customer.cancel(order_id)
            if len(statuses) == 2 and set(statuses.values()) == {"CANCELLED"}:
                break
    for seen in versions.values():
        assert seen == list(range(1, len(seen) + 1))


async def test_a_key_does_what_its_scopes_allow_and_nothing_more(url: str, admin: Person) -> None:
    """Here it may read orders, and tries to make a webhook."""
    _, secret = admin.key("ORDERS_READ")
    async with shop.connect(url, secret) as api:
        with pytest.raises(GraphQLClientGraphQLMultiError) as refusal:
            await api.create_webhook(CreateWebhookEndpointInput(url="https://erp.example", topics=[]))
        assert [(error.extensions or {})["code"] for error in refusal.value.errors] == ["FORBIDDEN"]


async def test_a_revoked_key_ends_what_it_follows(url: str, admin: Person) -> None:
    """It is told so, and does not come back for ever."""
    key, secret = admin.key("ORDERS_READ")
    async with shop.connect(url, secret) as api, aclosing(shop.follow(api)) as updates:
        await anext(updates)
        admin.revoke(key)
        with pytest.raises(shop.KeyRefusedError):
            async for _ in updates:
                pass
        with pytest.raises(shop.KeyRefusedError):
            await anext(shop.orders(api))
