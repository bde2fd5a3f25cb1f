from pydantic import Field

from .base_model import BaseModel


class ListWebhooks(BaseModel):
    admin: "ListWebhooksAdmin"


class ListWebhooksAdmin(BaseModel):
    webhook_endpoints: "ListWebhooksAdminWebhookEndpoints" = Field(
        alias="webhookEndpoints"
    )


class ListWebhooksAdminWebhookEndpoints(BaseModel):
    nodes: list["ListWebhooksAdminWebhookEndpointsNodes"]


class ListWebhooksAdminWebhookEndpointsNodes(BaseModel):
    id: str
    url: str


ListWebhooks.model_rebuild()
ListWebhooksAdmin.model_rebuild()
ListWebhooksAdminWebhookEndpoints.model_rebuild()
