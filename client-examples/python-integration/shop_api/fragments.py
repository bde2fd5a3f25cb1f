from datetime import datetime
from decimal import Decimal

from pydantic import Field

from .base_model import BaseModel
from .enums import CurrencyCode, OrderStatus


class OrderLine(BaseModel):
    id: str
    number: str
    version: int
    status: OrderStatus
    total: "OrderLineTotal"
    created_at: datetime = Field(alias="createdAt")


class OrderLineTotal(BaseModel):
    amount: Decimal
    currency: CurrencyCode


OrderLine.model_rebuild()
