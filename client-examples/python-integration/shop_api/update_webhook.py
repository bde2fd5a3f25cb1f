from typing import Literal, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ErrorCode


class UpdateWebhook(BaseModel):
    update_webhook_endpoint: "UpdateWebhookUpdateWebhookEndpoint" = Field(
        alias="updateWebhookEndpoint"
    )


class UpdateWebhookUpdateWebhookEndpoint(BaseModel):
    endpoint: Optional["UpdateWebhookUpdateWebhookEndpointEndpoint"]
    secret: Optional[str]
    user_errors: list["UpdateWebhookUpdateWebhookEndpointUserErrors"] = Field(
        alias="userErrors"
    )


class UpdateWebhookUpdateWebhookEndpointEndpoint(BaseModel):
    id: str


class UpdateWebhookUpdateWebhookEndpointUserErrors(BaseModel):
    typename__: Literal[
        "ClaimLost",
        "GenericError",
        "IllegalTransition",
        "InsufficientStock",
        "UserError",
    ] = Field(alias="__typename")
    code: ErrorCode
    message: str


UpdateWebhook.model_rebuild()
UpdateWebhookUpdateWebhookEndpoint.model_rebuild()
