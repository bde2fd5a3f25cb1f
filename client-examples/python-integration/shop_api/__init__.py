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
from .set_webhook_active import (
    SetWebhookActive,
    SetWebhookActiveUpdateWebhookEndpoint,
    SetWebhookActiveUpdateWebhookEndpointUserErrors,
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
    "OrderEventType",
    "OrderFilter",
    "OrderLine",
    "OrderLineTotal",
    "OrderStatus",
    "SetWebhookActive",
    "SetWebhookActiveUpdateWebhookEndpoint",
    "SetWebhookActiveUpdateWebhookEndpointUserErrors",
    "ShopApi",
    "StreamResetReason",
    "UpdateWebhookEndpointInput",
    "Upload",
    "WebhookTopic",
]
