from typing import Optional

from pydantic import Field

from .base_model import BaseModel
from .fragments import OrderLine


class ListOrders(BaseModel):
    admin: "ListOrdersAdmin"


class ListOrdersAdmin(BaseModel):
    orders: "ListOrdersAdminOrders"


class ListOrdersAdminOrders(BaseModel):
    nodes: list["ListOrdersAdminOrdersNodes"]
    page_info: "ListOrdersAdminOrdersPageInfo" = Field(alias="pageInfo")


ListOrdersAdminOrdersNodes = OrderLine


class ListOrdersAdminOrdersPageInfo(BaseModel):
    has_next_page: bool = Field(alias="hasNextPage")
    end_cursor: Optional[str] = Field(alias="endCursor")


ListOrders.model_rebuild()
ListOrdersAdmin.model_rebuild()
ListOrdersAdminOrders.model_rebuild()
