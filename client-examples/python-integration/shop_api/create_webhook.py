from typing import Literal, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ErrorCode


class CreateWebhook(BaseModel):
    create_webhook_endpoint: "CreateWebhookCreateWebhookEndpoint" = Field(
        alias="createWebhookEndpoint"
    )


class CreateWebhookCreateWebhookEndpoint(BaseModel):
    endpoint: Optional["CreateWebhookCreateWebhookEndpointEndpoint"]
    secret: Optional[str]
    user_errors: list["CreateWebhookCreateWebhookEndpointUserErrors"] = Field(
        alias="userErrors"
    )


class CreateWebhookCreateWebhookEndpointEndpoint(BaseModel):
    id: str


class CreateWebhookCreateWebhookEndpointUserErrors(BaseModel):
    typename__: Literal[
        "ClaimLost",
        "GenericError",
        "IllegalTransition",
        "InsufficientStock",
        "UserError",
    ] = Field(alias="__typename")
    code: ErrorCode
    message: str


CreateWebhook.model_rebuild()
CreateWebhookCreateWebhookEndpoint.model_rebuild()
