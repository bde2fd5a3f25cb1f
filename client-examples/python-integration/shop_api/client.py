from collections.abc import AsyncIterator
from typing import Any, Optional, Union

from .async_base_client import AsyncBaseClient
from .base_model import UNSET, UnsetType
from .create_webhook import CreateWebhook
from .follow_orders import FollowOrders
from .input_types import (
    CreateWebhookEndpointInput,
    OrderFilter,
    UpdateWebhookEndpointInput,
)
from .list_orders import ListOrders
from .list_webhooks import ListWebhooks
from .update_webhook import UpdateWebhook


def gql(q: str) -> str:
    return q


class ShopApi(AsyncBaseClient):
    async def list_orders(
        self,
        first: int,
        after: Union[Optional[str], UnsetType] = UNSET,
        filter_: Union[Optional[OrderFilter], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> ListOrders:
        query = gql("""
            query ListOrders($first: Int!, $after: String, $filter: OrderFilter) {
              admin {
                orders(first: $first, after: $after, filter: $filter) {
                  nodes {
                    ...OrderLine
                  }
                  pageInfo {
                    hasNextPage
                    endCursor
                  }
                }
              }
            }

            fragment OrderLine on Order {
              id
              number
              version
              status
              total {
                amount
                currency
              }
              createdAt
            }
            """)
        variables: dict[str, object] = {
            "first": first,
            "after": after,
            "filter": filter_,
        }
        response = await self.execute(
            query=query, operation_name="ListOrders", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ListOrders.model_validate(data)

    async def follow_orders(
        self, after: Union[Optional[str], UnsetType] = UNSET, **kwargs: Any
    ) -> AsyncIterator[FollowOrders]:
        query = gql("""
            subscription FollowOrders($after: EventCursor) {
              adminUpdates(after: $after) {
                __typename
                ... on AdminSnapshot {
                  cursor
                }
                ... on OrderChanged {
                  cursor
                  event {
                    id
                    type
                    at
                  }
                  order {
                    ...OrderLine
                  }
                }
                ... on PartnerChanged {
                  cursor
                }
                ... on StreamReset {
                  cursor
                  reason
                }
              }
            }

            fragment OrderLine on Order {
              id
              number
              version
              status
              total {
                amount
                currency
              }
              createdAt
            }
            """)
        variables: dict[str, object] = {"after": after}
        async for data in self.execute_ws(
            query=query, operation_name="FollowOrders", variables=variables, **kwargs
        ):
            yield FollowOrders.model_validate(data)

    async def list_webhooks(self, first: int, **kwargs: Any) -> ListWebhooks:
        query = gql("""
            query ListWebhooks($first: Int!) {
              admin {
                webhookEndpoints(first: $first) {
                  nodes {
                    id
                    url
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {"first": first}
        response = await self.execute(
            query=query, operation_name="ListWebhooks", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ListWebhooks.model_validate(data)

    async def create_webhook(
        self, input: CreateWebhookEndpointInput, **kwargs: Any
    ) -> CreateWebhook:
        query = gql("""
            mutation CreateWebhook($input: CreateWebhookEndpointInput!) {
              createWebhookEndpoint(input: $input) {
                endpoint {
                  id
                }
                secret
                userErrors {
                  __typename
                  code
                  message
                }
              }
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="CreateWebhook", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CreateWebhook.model_validate(data)

    async def update_webhook(
        self, input: UpdateWebhookEndpointInput, **kwargs: Any
    ) -> UpdateWebhook:
        query = gql("""
            mutation UpdateWebhook($input: UpdateWebhookEndpointInput!) {
              updateWebhookEndpoint(input: $input) {
                endpoint {
                  id
                }
                secret
                userErrors {
                  __typename
                  code
                  message
                }
              }
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="UpdateWebhook", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return UpdateWebhook.model_validate(data)
