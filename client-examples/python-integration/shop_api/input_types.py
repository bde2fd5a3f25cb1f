from datetime import datetime
from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import OrderStatus, WebhookTopic


class CreateWebhookEndpointInput(BaseModel):
    """An endpoint to make."""

    url: str
    "Where messages go: an address of `https:` on the public internet, unless the server is configured otherwise. At most\n2,048 characters, without user name, password or fragment."
    topics: list[WebhookTopic]
    "What they are about; at least one. With an API key, what that may read: `FORBIDDEN` otherwise."


class OrderFilter(BaseModel):
    """Which orders to list; conditions that are given must all hold."""

    status: Optional[list[OrderStatus]] = None
    "In one of these states; at most 10."
    customer_id: Optional[str] = Field(alias="customerId", default=None)
    "Of this customer."
    partner_id: Optional[str] = Field(alias="partnerId", default=None)
    "Carried by this partner."
    seller_id: Optional[str] = Field(alias="sellerId", default=None)
    "Of this seller."
    placed_from: Optional[datetime] = Field(alias="placedFrom", default=None)
    "Placed then or later."
    placed_to: Optional[datetime] = Field(alias="placedTo", default=None)
    "Placed before then."
    search: Optional[str] = None
    "Whose number begins like this; at most 40 characters."
    unassigned: Optional[bool] = None
    "True: ready and claimed by nobody. False: with a partner."


class UpdateWebhookEndpointInput(BaseModel):
    """What is to change about an endpoint; what is absent or null stays."""

    endpoint_id: str = Field(alias="endpointId")
    "Which endpoint."
    url: Optional[str] = None
    "Where messages go from now on, also those that are yet to be sent again."
    topics: Optional[list[WebhookTopic]] = None
    "What they are about from now on; at least one. With an API key, what that may read: `FORBIDDEN` otherwise."
    active: Optional[bool] = None
    "Whether it is told of anything. What happens while it is paused it is never told of, and what waits is given up."
    rotate_secret: Optional[bool] = Field(alias="rotateSecret", default=None)
    "Whether it gets a new signing secret. The one before goes on signing beside it for a day, or as configured; five may at a time."
