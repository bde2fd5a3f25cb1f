"""The people of the shop, without whom nothing would happen: its admin, and a customer."""

from dataclasses import dataclass
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
CANCEL_ORDER = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { userErrors { message } } }"


@dataclass
class Person:
    """Somebody who is signed in."""

    url: str
    token: str

    def ask(self, document: str, **variables: object) -> Any:  # noqa: ANN401 - whatever was asked for
        """Return the first field of the answer."""
        reply = httpx.post(
            f"{self.url}/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
            timeout=30,
        ).json()
        assert "errors" not in reply, reply
        answer = next(iter(reply["data"].values()))
        assert not answer.get("userErrors"), answer
        return answer

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

    def revoke(self, key_id: str) -> None:
        """End an API key."""
        self.ask(REVOKE_KEY, input={"apiKeyId": key_id})


def sign_in(url: str, who: str) -> Person:
    """Sign in as one of the demo's accounts."""
    answer = Person(url, "").ask(SIGN_IN, input={"email": f"{who}@demo.test", "password": PASSWORD})
    return Person(url, answer["tokens"]["accessToken"])
