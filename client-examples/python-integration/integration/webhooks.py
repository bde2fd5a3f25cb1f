"""The shop's webhooks: only those that it signed, each once."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from pydantic import BaseModel
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

REMEMBERED = 10_000
"""Messages whose ids are kept, to know those that come again."""

LARGEST = 1_000_000
"""Bytes of a message; the shop's are far smaller."""


class Message(BaseModel):
    """What happened. `docs/webhooks.md` says which `type` has what as its `data`."""

    type: str
    timestamp: datetime
    data: dict[str, Any]


class Inbox:
    """Takes messages: checks their signatures, and drops what it has seen.

    This one remembers in the process. If yours must not do things twice, write the `webhook-id` into the database in the
    transaction of what you do.
    """

    def __init__(self, secret: str | None, handle: Callable[[Message], None]) -> None:
        """Make an inbox for the endpoint whose secret, `whsec_…`, was shown when it was created.

        Without one it refuses everything until it is told whom to `trust`.
        """
        self._webhook = None if secret is None else Webhook(secret)
        self._handle = handle
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def trust(self, secret: str) -> None:
        """Go by another secret from now on."""
        self._webhook = Webhook(secret)

    def take(self, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
        """Deal with a message, and return what to answer. Whatever is not 2xx has the shop send it again, later."""
        if self._webhook is None:
            return HTTPStatus.SERVICE_UNAVAILABLE
        try:
            # the bytes as they came: a body that was parsed and written again is another one
            self._webhook.verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            return HTTPStatus.UNAUTHORIZED
        message_id = {name.lower(): value for name, value in headers.items()}["webhook-id"]
        with self._lock:
            if message_id in self._seen:
                return HTTPStatus.NO_CONTENT
            self._handle(Message.model_validate_json(body))
            # not before: what could not be dealt with has to come again
            self._seen[message_id] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return HTTPStatus.NO_CONTENT


class Receiver(ThreadingHTTPServer):
    """Hands what is posted to it to an inbox."""

    def __init__(self, address: tuple[str, int], inbox: Inbox) -> None:
        """Listen; `serve_forever` takes what comes."""
        super().__init__(address, Handler)
        self.inbox = inbox


class Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = 10
    """Seconds for which a client may be silent, so that it does not keep a thread for ever."""

    server: Receiver

    def do_POST(self) -> None:
        """Hand the body over, and answer what the inbox says."""
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif len(length) > len(str(LARGEST)) or int(length) > LARGEST:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self.send_response(self.server.inbox.take(dict(self.headers), self.rfile.read(int(length))))
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Leave the log to whoever handles the messages."""


def server(host: str, port: int, inbox: Inbox) -> Receiver:
    """Return a server that hands what is posted to it to `inbox`. In production, HTTPS goes before it."""
    return Receiver((host, port), inbox)
