from datetime import datetime
from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel
from .enums import OrderEventType, StreamResetReason
from .fragments import OrderLine


class FollowOrders(BaseModel):
    admin_updates: Union[
        "FollowOrdersAdminUpdatesAdminSnapshot",
        "FollowOrdersAdminUpdatesOrderChanged",
        "FollowOrdersAdminUpdatesPartnerChanged",
        "FollowOrdersAdminUpdatesStreamReset",
    ] = Field(alias="adminUpdates", discriminator="typename__")


class FollowOrdersAdminUpdatesAdminSnapshot(BaseModel):
    typename__: Literal["AdminSnapshot"] = Field(alias="__typename")
    cursor: str


class FollowOrdersAdminUpdatesOrderChanged(BaseModel):
    typename__: Literal["OrderChanged"] = Field(alias="__typename")
    cursor: str
    event: "FollowOrdersAdminUpdatesOrderChangedEvent"
    order: "FollowOrdersAdminUpdatesOrderChangedOrder"


class FollowOrdersAdminUpdatesOrderChangedEvent(BaseModel):
    id: str
    type_: OrderEventType = Field(alias="type")
    at: datetime


FollowOrdersAdminUpdatesOrderChangedOrder = OrderLine


class FollowOrdersAdminUpdatesPartnerChanged(BaseModel):
    typename__: Literal["PartnerChanged"] = Field(alias="__typename")
    cursor: str


class FollowOrdersAdminUpdatesStreamReset(BaseModel):
    typename__: Literal["StreamReset"] = Field(alias="__typename")
    cursor: str
    reason: StreamResetReason


FollowOrders.model_rebuild()
FollowOrdersAdminUpdatesOrderChanged.model_rebuild()
