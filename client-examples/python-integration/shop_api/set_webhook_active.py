from typing import Literal

from pydantic import Field

from .base_model import BaseModel
from .enums import ErrorCode


class SetWebhookActive(BaseModel):
    update_webhook_endpoint: "SetWebhookActiveUpdateWebhookEndpoint" = Field(
        alias="updateWebhookEndpoint"
    )


class SetWebhookActiveUpdateWebhookEndpoint(BaseModel):
    user_errors: list["SetWebhookActiveUpdateWebhookEndpointUserErrors"] = Field(
        alias="userErrors"
    )


class SetWebhookActiveUpdateWebhookEndpointUserErrors(BaseModel):
    typename__: Literal[
        "ClaimLost",
        "GenericError",
        "IllegalTransition",
        "InsufficientStock",
        "UserError",
    ] = Field(alias="__typename")
    code: ErrorCode
    message: str


SetWebhookActive.model_rebuild()
SetWebhookActiveUpdateWebhookEndpoint.model_rebuild()
