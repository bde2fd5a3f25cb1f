from .async_base_client import AsyncBaseClient
from .base_model import BaseModel, Upload
from .client import ShopApi
from .create_webhook import (
    CreateWebhook,
    CreateWebhookCreateWebhookEndpoint,
    CreateWebhookCreateWebhookEndpointEndpoint,
    CreateWebhookCreateWebhookEndpointUserErrors,
)
from .enums import (
    CurrencyCode,
    ErrorCode,
    OrderEventType,
    OrderStatus,
    StreamResetReason,
    WebhookTopic,
)
from .exceptions import (
    GraphQLClientError,
    GraphQLClientGraphQLError,
    GraphQLClientGraphQLMultiError,
    GraphQLClientHttpError,
    GraphQLClientInvalidResponseError,
)
from .follow_orders import (
    FollowOrders,
    FollowOrdersAdminUpdatesAdminSnapshot,
    FollowOrdersAdminUpdatesOrderChanged,
    FollowOrdersAdminUpdatesOrderChangedEvent,
    FollowOrdersAdminUpdatesOrderChangedOrder,
    FollowOrdersAdminUpdatesPartnerChanged,
    FollowOrdersAdminUpdatesStreamReset,
)
from .fragments import OrderLine, OrderLineTotal
from .input_types import (
    CreateWebhookEndpointInput,
    OrderFilter,
    UpdateWebhookEndpointInput,
)
from .list_orders import (
    ListOrders,
    ListOrdersAdmin,
    ListOrdersAdminOrders,
    ListOrdersAdminOrdersNodes,
    ListOrdersAdminOrdersPageInfo,
)
from .list_webhooks import (
    ListWebhooks,
    ListWebhooksAdmin,
    ListWebhooksAdminWebhookEndpoints,
    ListWebhooksAdminWebhookEndpointsNodes,
)
from .update_webhook import (
    UpdateWebhook,
    UpdateWebhookUpdateWebhookEndpoint,
    UpdateWebhookUpdateWebhookEndpointEndpoint,
    UpdateWebhookUpdateWebhookEndpointUserErrors,
)

__all__ = [
    "AsyncBaseClient",
    "BaseModel",
    "CreateWebhook",
    "CreateWebhookCreateWebhookEndpoint",
    "CreateWebhookCreateWebhookEndpointEndpoint",
    "CreateWebhookCreateWebhookEndpointUserErrors",
    "CreateWebhookEndpointInput",
    "CurrencyCode",
    "ErrorCode",
    "FollowOrders",
    "FollowOrdersAdminUpdatesAdminSnapshot",
    "FollowOrdersAdminUpdatesOrderChanged",
    "FollowOrdersAdminUpdatesOrderChangedEvent",
    "FollowOrdersAdminUpdatesOrderChangedOrder",
    "FollowOrdersAdminUpdatesPartnerChanged",
    "FollowOrdersAdminUpdatesStreamReset",
    "GraphQLClientError",
    "GraphQLClientGraphQLError",
    "GraphQLClientGraphQLMultiError",
    "GraphQLClientHttpError",
    "GraphQLClientInvalidResponseError",
    "ListOrders",
    "ListOrdersAdmin",
    "ListOrdersAdminOrders",
    "ListOrdersAdminOrdersNodes",
    "ListOrdersAdminOrdersPageInfo",
    "ListWebhooks",
    "ListWebhooksAdmin",
    "ListWebhooksAdminWebhookEndpoints",
    "ListWebhooksAdminWebhookEndpointsNodes",
    "OrderEventType",
    "OrderFilter",
    "OrderLine",
    "OrderLineTotal",
    "OrderStatus",
    "ShopApi",
    "StreamResetReason",
    "UpdateWebhook",
    "UpdateWebhookEndpointInput",
    "UpdateWebhookUpdateWebhookEndpoint",
    "UpdateWebhookUpdateWebhookEndpointEndpoint",
    "UpdateWebhookUpdateWebhookEndpointUserErrors",
    "Upload",
    "WebhookTopic",
]
