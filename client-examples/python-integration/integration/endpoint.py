"""The endpoint that the shop sends webhooks to: made once, found again at each start."""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from shop_api.client import ShopApi
from shop_api.create_webhook import CreateWebhookCreateWebhookEndpoint
from shop_api.enums import WebhookTopic
from shop_api.input_types import CreateWebhookEndpointInput, UpdateWebhookEndpointInput
from shop_api.update_webhook import UpdateWebhookUpdateWebhookEndpoint

MOST = 100
"""Endpoints that a shop may have, and the most that it lists at once."""


class RefusedError(Exception):
    """The shop's rules are against the endpoint."""


class Kept(BaseModel):
    """An endpoint, and what its messages are signed with."""

    id: str
    secret: str


async def ready(api: ShopApi, url: str, topics: list[WebhookTopic], file: Path) -> Kept:
    """Return the endpoint of `url`, active and about `topics`; there is one afterwards, however often this is called.

    The shop shows a secret once, so it is kept in `file`. When it is not there, the endpoint is given a new one; what waits is
    signed with that, too, when it is sent again. An endpoint of its own for each start would be of no use: what waits for the
    one before would never come.
    """
    # first of all, so that no secret is shown that cannot be kept
    kept = _read(file)
    listed = (await api.list_webhooks(first=MOST)).admin.webhook_endpoints.nodes
    ids = [endpoint.id for endpoint in listed if endpoint.url == url]
    known = kept if kept is not None and kept.id in ids else None
    answer: CreateWebhookCreateWebhookEndpoint | UpdateWebhookUpdateWebhookEndpoint
    if ids:
        # it may be paused, by the shop too when nothing got through for days
        change = UpdateWebhookEndpointInput(
            endpoint_id=known.id if known else ids[0], topics=topics, active=True, rotate_secret=known is None
        )
        answer = (await api.update_webhook(change)).update_webhook_endpoint
    else:
        answer = (await api.create_webhook(CreateWebhookEndpointInput(url=url, topics=topics))).create_webhook_endpoint
    secret = answer.secret or (known.secret if known else None)
    if answer.endpoint is None or secret is None:
        raise RefusedError(" ".join(error.message for error in answer.user_errors))
    kept = Kept(id=answer.endpoint.id, secret=secret)
    _write(file, kept)
    return kept


async def pause(api: ShopApi, endpoint: Kept) -> None:
    """Have nothing sent until the next start. What happens meanwhile is never told, and what waits is given up."""
    await api.update_webhook(UpdateWebhookEndpointInput(endpoint_id=endpoint.id, active=False))


def _read(file: Path) -> Kept | None:
    """Make the file if there is none; nobody else may read it, whoever made it."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    try:
        return Kept.model_validate_json(file.read_bytes())
    except ValidationError:
        return None  # it is new, or was cut off while it was written


def _write(file: Path, kept: Kept) -> None:
    file.write_text(kept.model_dump_json())
