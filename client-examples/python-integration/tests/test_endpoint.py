"""The endpoint that is found again at each start."""

import json
import stat
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from integration import endpoint
from shop_api.client import ShopApi
from shop_api.enums import WebhookTopic

pytestmark = pytest.mark.anyio

OURS = "https://erp.example/hooks"
TOPICS = [WebhookTopic.ORDER_CREATED]


@dataclass
class Shop:
    """One that has endpoints, and is asked by a program that is started now and then."""

    urls: dict[str, str] = field(default_factory=lambda: {"whk_other": "https://other.example"})
    changes: list[dict[str, Any]] = field(default_factory=list)
    secrets: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Do what is asked."""
        asked = json.loads(request.content)
        wanted = asked["variables"].get("input", {})
        match asked["operationName"]:
            case "ListWebhooks":
                nodes = [{"id": key, "url": url} for key, url in self.urls.items()]
                return self._data({"admin": {"webhookEndpoints": {"nodes": nodes}}})
            case "CreateWebhook":
                self.urls["whk_ours"] = wanted["url"]
                return self._data({"createWebhookEndpoint": self._endpoint("whk_ours", is_secret_new=True)})
            case _:
                self.changes.append(wanted)
                changed = self._endpoint(wanted["endpointId"], is_secret_new=wanted.get("rotateSecret", False))
                return self._data({"updateWebhookEndpoint": changed})

    def _endpoint(self, key: str, *, is_secret_new: bool) -> dict[str, Any]:
        self.secrets += is_secret_new
        return {"endpoint": {"id": key}, "secret": f"whsec_{self.secrets}" if is_secret_new else None, "userErrors": []}

    def _data(self, data: dict[str, Any]) -> httpx.Response:
        return httpx.Response(HTTPStatus.OK, json={"data": data})

    async def start(self, file: Path) -> endpoint.Kept:
        """Return what the program has when it was started."""
        client = cast("Any", httpx.AsyncClient(transport=httpx.MockTransport(self.answer)))
        async with ShopApi(url="http://shop.example/graphql", http_client=client) as api:
            return await endpoint.ready(api, OURS, TOPICS, file)


async def test_an_endpoint_is_made_once(tmp_path: Path) -> None:
    """And resumed at the next start, with the secret that was kept where nobody else may read it."""
    shop, file = Shop(), tmp_path / "webhook.json"
    made = await shop.start(file)
    assert made == endpoint.Kept(id="whk_ours", secret="whsec_1")  # noqa: S106 - an example
    assert not stat.S_IMODE(file.stat().st_mode) & 0o077
    assert await shop.start(file) == made
    [change] = shop.changes
    assert (change["endpointId"], change["active"], change["rotateSecret"]) == ("whk_ours", True, False)
    assert len(shop.urls) == 2


@pytest.mark.parametrize("left", [None, "", '{"id": "whk_ours", "sec', '{"id": "whk_other", "secret": "whsec_0"}'])
async def test_a_secret_that_was_lost_is_replaced(tmp_path: Path, left: str | None) -> None:
    """Whether its file is gone, was cut off, or is of another endpoint."""
    shop, file = Shop(), tmp_path / "webhook.json"
    made = await shop.start(file)
    file.unlink()
    if left is not None:
        file.write_text(left)
    again = await shop.start(file)
    assert again.id == made.id
    assert again.secret == "whsec_2"  # noqa: S105 - an example
    assert await shop.start(file) == again
    assert len(shop.urls) == 2


async def test_no_secret_is_asked_for_that_cannot_be_kept(tmp_path: Path) -> None:
    """It would be shown to nobody."""
    shop = Shop()
    with pytest.raises(OSError, match="nowhere"):
        await shop.start(tmp_path / "nowhere" / "webhook.json")
    assert len(shop.urls) == 1
