"""The API, with a key."""

from contextlib import aclosing
from urllib.parse import urlsplit

import pytest

from integration import shop
from shop_api.exceptions import GraphQLClientGraphQLMultiError
from shop_api.follow_orders import FollowOrdersAdminUpdatesAdminSnapshot, FollowOrdersAdminUpdatesOrderChanged
from shop_api.input_types import CreateWebhookEndpointInput
from tests.network import Network
from tests.people import Person

pytestmark = pytest.mark.anyio


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
