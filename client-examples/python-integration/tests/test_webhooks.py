"""Webhooks: from a signature to what a real server sends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from queue import Queue
from socket import create_connection
from threading import Thread

import pytest
from standardwebhooks.webhooks import Webhook

from integration import shop, webhooks
from shop_api.enums import WebhookTopic
from shop_api.input_types import CreateWebhookEndpointInput, UpdateWebhookEndpointInput
from tests.people import Person

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - an example
OTHER = "whsec_c29tZXRoaW5nIGVsc2U="
BODY = b'{"type":"order.created","timestamp":"2026-11-21T08:48:30.120314Z","data":{"order":{"id":"ord_1"}}}'


def headers(message_id: str = "msg_1", *, sent: timedelta = timedelta(), secret: str = SECRET) -> dict[str, str]:
    """Sign the message as the shop does."""
    at = datetime.now(UTC) + sent
    signature = Webhook(secret).sign(message_id, at, BODY.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


@pytest.fixture
def handled() -> list[webhooks.Message]:
    """Return what was dealt with."""
    return []


@pytest.fixture
def inbox(handled: list[webhooks.Message]) -> webhooks.Inbox:
    """Return an inbox that notes what it is given."""
    return webhooks.Inbox(SECRET, handled.append)


def test_a_signed_message_is_dealt_with_once(inbox: webhooks.Inbox, handled: list[webhooks.Message]) -> None:
    """However often it is sent."""
    for _ in range(2):
        assert inbox.take(headers(), BODY) == HTTPStatus.NO_CONTENT
    assert [message.type for message in handled] == ["order.created"]


def test_one_signature_that_fits_is_enough(inbox: webhooks.Inbox, handled: list[webhooks.Message]) -> None:
    """As while a secret is replaced."""
    both = headers()
    both["webhook-signature"] = f"{headers(secret=OTHER)['webhook-signature']} {both['webhook-signature']}"
    assert inbox.take(both, BODY) == HTTPStatus.NO_CONTENT
    assert handled


@pytest.mark.parametrize(
    "spoiled",
    [
        headers(secret=OTHER),
        headers(sent=timedelta(minutes=-6)),
        headers() | {"webhook-id": "msg_2"},
        headers() | {"webhook-signature": "nonsense"},
        headers() | {"webhook-signature": "v1,*"},
        {},
    ],
    ids=["another secret", "too old", "another message", "no signature", "no base64", "no headers"],
)
def test_what_the_shop_did_not_sign_is_refused(
    inbox: webhooks.Inbox, handled: list[webhooks.Message], spoiled: dict[str, str]
) -> None:
    """And nothing is done."""
    assert inbox.take(spoiled, BODY) == HTTPStatus.UNAUTHORIZED
    assert inbox.take(headers(), BODY + b" ") == HTTPStatus.UNAUTHORIZED
    assert not handled


def test_an_inbox_without_a_secret_trusts_nobody(handled: list[webhooks.Message]) -> None:
    """What comes too early comes again."""
    inbox = webhooks.Inbox(None, handled.append)
    assert inbox.take(headers(), BODY) == HTTPStatus.SERVICE_UNAVAILABLE
    inbox.trust(SECRET)
    assert inbox.take(headers(), BODY) == HTTPStatus.NO_CONTENT


@pytest.fixture
def port(inbox: webhooks.Inbox) -> Iterator[int]:
    """Return where a server listens."""
    with webhooks.server("127.0.0.1", 0, inbox) as server:
        Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("said", [b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"])
def test_a_client_that_falls_silent_is_let_go(port: int, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """At whatever point, so that it keeps no thread."""
    monkeypatch.setattr(webhooks.Handler, "timeout", 0.1)
    with create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(said)
        assert client.recv(1) == b""


@pytest.mark.parametrize("length", [b"-1", b"many", b"", b"9" * 5000, b"1000001"])
def test_a_length_that_is_none_or_too_much_is_refused(port: int, length: bytes) -> None:
    """Nothing is read for as long as somebody sends."""
    with create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n")
        assert client.recv(12)[9:] in {b"411", b"413"}


class BusyError(Exception):
    """Why a message could not be dealt with."""


def test_what_could_not_be_dealt_with_may_come_again() -> None:
    """The failure leaves `take`, so that the shop is not told that all is well."""
    tries = 0

    def fail_once(_: webhooks.Message) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise BusyError

    inbox = webhooks.Inbox(SECRET, fail_once)
    with pytest.raises(BusyError):
        inbox.take(headers(), BODY)
    assert inbox.take(headers(), BODY) == HTTPStatus.NO_CONTENT
    assert tries == 2


@pytest.fixture
def received() -> Queue[webhooks.Message]:
    """Return what the server sent."""
    return Queue()


@pytest.mark.anyio
@pytest.mark.usefixtures("permitted")
async def test_a_real_server_s_messages_are_taken(
    url: str, admin: Person, customer: Person, received: Queue[webhooks.Message]
) -> None:
    """From the making of the endpoint, by the key, to the message."""
    _, secret = admin.key("ORDERS_READ", "WEBHOOKS_MANAGE")
    inbox = webhooks.Inbox(SECRET, received.put)
    with webhooks.server("127.0.0.1", 0, inbox) as server:
        async with shop.connect(url, secret) as api:
            where = CreateWebhookEndpointInput(
                url=f"http://127.0.0.1:{server.server_port}/hooks", topics=[WebhookTopic.ORDER_CREATED]
            )
            made = (await api.create_webhook(where)).create_webhook_endpoint
            assert made.endpoint is not None, made.user_errors
            assert made.secret is not None
            inbox.trust(made.secret)
            Thread(target=server.serve_forever, daemon=True).start()
            try:
                order = customer.order()
                while (message := received.get(timeout=60)).data["order"]["id"] != order:
                    pass
                assert message.type == "order.created"
                customer.cancel(order)
            finally:
                await api.update_webhook(UpdateWebhookEndpointInput(endpoint_id=made.endpoint.id, active=False))
                server.shutdown()
