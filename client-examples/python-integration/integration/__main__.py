"""Shows each part at work: `python -m integration --help`."""

import argparse
import asyncio
import os
import socket

from redis.asyncio import Redis

from integration import shop, webhooks
from integration.stream import Consumer, Event
from shop_api.enums import WebhookTopic
from shop_api.input_types import CreateWebhookEndpointInput, UpdateWebhookEndpointInput

URL = os.environ.get("QC_URL", "http://127.0.0.1:8080")


async def list_orders() -> None:
    """Print all orders."""
    async with shop.connect(URL, os.environ["QC_API_KEY"]) as api:
        async for order in shop.orders(api):
            print(order.model_dump_json())


async def follow_orders() -> None:
    """Print changes of orders."""
    async with shop.connect(URL, os.environ["QC_API_KEY"]) as api:
        async for update in shop.follow(api):
            print(update.model_dump_json())


async def receive(address: str, port: int) -> None:
    """Print webhooks: make an endpoint for `address`, which leads to `port` here, and pause it in the end."""
    async with shop.connect(URL, os.environ["QC_API_KEY"]) as api:
        topics = [WebhookTopic.ORDER_CREATED, WebhookTopic.DELIVERY_COMPLETED]
        made = (await api.create_webhook(CreateWebhookEndpointInput(url=address, topics=topics))).create_webhook_endpoint
        if made.endpoint is None or made.secret is None:
            raise SystemExit(" ".join(error.message for error in made.user_errors))
        inbox = webhooks.Inbox(made.secret, lambda message: print(message.model_dump_json()))
        try:
            await asyncio.to_thread(webhooks.server("0.0.0.0", port, inbox).serve_forever)  # noqa: S104
        finally:
            await api.set_webhook_active(UpdateWebhookEndpointInput(endpoint_id=made.endpoint.id, active=False))


async def read_stream(redis_url: str, group: str) -> None:
    """Print events."""

    async def show(event: Event) -> None:
        print(event.model_dump_json())

    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        await Consumer(redis, group, socket.gethostname(), show).run()


parser = argparse.ArgumentParser(prog="python -m integration")
commands = parser.add_subparsers(dest="command", required=True)
commands.add_parser("orders", help="lists the orders")
commands.add_parser("follow", help="follows them")
hooks = commands.add_parser("webhooks", help="receives webhooks")
hooks.add_argument("address", help="where the shop reaches this program, such as https://erp.example/hooks")
hooks.add_argument("--port", type=int, default=8000)
events = commands.add_parser("stream", help="reads the Redis Stream")
events.add_argument("--redis", default="redis://127.0.0.1:6379")
events.add_argument("--group", default="example")
arguments = parser.parse_args()

match arguments.command:
    case "orders":
        work = list_orders()
    case "follow":
        work = follow_orders()
    case "webhooks":
        work = receive(arguments.address, arguments.port)
    case _:
        work = read_stream(arguments.redis, arguments.group)
try:
    asyncio.run(work)
except KeyboardInterrupt:
    pass
except shop.KeyRefusedError:
    parser.exit(1, "The key does not work any more.\n")
