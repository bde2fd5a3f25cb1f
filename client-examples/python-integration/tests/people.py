"""The people of the shop, without whom nothing would happen: its admin, and a customer."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx

PASSWORD = "quick-commerce"  # noqa: S105 - of the demo's accounts
SIGN_IN = "mutation($input: LoginInput!) { login(input: $input) { tokens { accessToken } userErrors { message } } }"
CREATE_KEY = (
    "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } secret userErrors { message } } }"
)
REVOKE_KEY = "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { userErrors { message } } }"
PRODUCT = "{ products(filter: { inStock: true }, first: 1) { nodes { id } } }"
PLACE_ORDER = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { message } } }"
ENDPOINTS = "{ admin { webhookEndpoints(first: 100) { nodes { url active } } } }"
CANCEL_ORDER = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { userErrors { message } } }"


@dataclass
class Person:
    """One of the demo's accounts."""

    url: str
    who: str
    token: str = "none yet"  # noqa: S105 - none at all

    def ask(self, document: str, **variables: object) -> Any:  # noqa: ANN401 - whatever was asked for
        """Return the first field of the answer. Signs in when there is no token, or it is worn out."""
        reply = self._post(document, variables)
        if reply.status_code == HTTPStatus.UNAUTHORIZED:
            login = {"email": f"{self.who}@demo.test", "password": PASSWORD}
            self.token = answer_of(self._post(SIGN_IN, {"input": login}))["tokens"]["accessToken"]
            reply = self._post(document, variables)
        return answer_of(reply)

    def _post(self, document: str, variables: dict[str, object]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if document != SIGN_IN else {}
        request = {"query": document, "variables": variables}
        return httpx.post(f"{self.url}/graphql", json=request, headers=headers, timeout=30)

    def order(self) -> str:
        """Place an order, to be paid at the door; its id."""
        product = self.ask(PRODUCT)["nodes"][0]["id"]
        place = {"latitude": 12.9719, "longitude": 77.6012}
        address = {"label": "Home", "line1": "12 Residency Road", "city": "Bengaluru", "postalCode": "560025", "country": "IN"}
        answer = self.ask(
            PLACE_ORDER,
            input={
                "idempotencyKey": str(uuid4()),
                "items": [{"productId": product, "quantity": 1}],
                "address": address | {"location": place},
                "paymentMethod": "CASH_ON_DELIVERY",
            },
        )
        return str(answer["order"]["id"])

    def cancel(self, order_id: str) -> None:
        """Call an order off."""
        self.ask(CANCEL_ORDER, input={"idempotencyKey": str(uuid4()), "orderId": order_id})

    def key(self, *scopes: str) -> tuple[str, str]:
        """Make an API key; its id, and the secret."""
        answer = self.ask(CREATE_KEY, input={"name": "Test of the integration", "scopes": scopes})
        return answer["apiKey"]["id"], answer["secret"]

    def endpoints(self, address: str) -> list[bool]:
        """Return of each endpoint of the address whether anything is sent there."""
        endpoints = self.ask(ENDPOINTS)["webhookEndpoints"]["nodes"]
        return [endpoint["active"] for endpoint in endpoints if endpoint["url"] == address]

    def revoke(self, key_id: str) -> None:
        """End an API key."""
        self.ask(REVOKE_KEY, input={"apiKeyId": key_id})


def answer_of(reply: httpx.Response) -> Any:  # noqa: ANN401 - whatever was asked for
    """Return the first field of an answer, which must not be a refusal."""
    answers = reply.json()
    assert "errors" not in answers, answers
    answer = next(iter(answers["data"].values()))
    assert not answer.get("userErrors"), answer
    return answer
