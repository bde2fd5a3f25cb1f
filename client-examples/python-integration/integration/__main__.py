"""Shows each part at work: `python -m integration --help`."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError

from integration import endpoint, shop, webhooks
from integration.stream import Consumer, Event
from shop_api.enums import WebhookTopic
from shop_api.exceptions import GraphQLClientError

URL = os.environ.get("QC_URL", "http://127.0.0.1:8080")


async def list_orders() -> None:
    """Print all orders."""
    async with shop.connect(URL, os.environ["QC_API_KEY"]) as api:
        async for order in shop.orders(api):
            print(order.model_dump_json(), flush=True)


async def follow_orders() -> None:
    """Print changes of orders."""
    async with shop.connect(URL, os.environ["QC_API_KEY"]) as api:
        async for update in shop.follow(api):
            print(update.model_dump_json(), flush=True)


async def receive(address: str, port: int, kept: Path, *, pauses: bool) -> None:
    """Print webhooks to `address`, which leads to `port` here. What comes while this program is away is sent again."""
    inbox = webhooks.Inbox(None, lambda message: print(message.model_dump_json(), flush=True))
    # first of all, so that there is no endpoint that leads nowhere because the port is in use
    with webhooks.server("0.0.0.0", port, inbox) as server:  # noqa: S104
        async with shop.connect(URL, os.environ["QC_API_KEY"]) as api:
            topics = [WebhookTopic.ORDER_CREATED, WebhookTopic.DELIVERY_COMPLETED]
            ours = await shop.ask(partial(endpoint.ready, api, address, topics, kept))
            inbox.trust(ours.secret)
            # a thread of its own, and not one of asyncio's, which would be waited for without being told to end
            serving = Thread(target=server.serve_forever)
            serving.start()
            print(f"Webhooks to {address} come to port {port}.", file=sys.stderr)
            try:
                await asyncio.Event().wait()
            finally:
                server.shutdown()
                if pauses:
                    await shop.ask(partial(endpoint.pause, api, ours))
                    print("The endpoint is paused.", file=sys.stderr)


async def read_stream(redis_url: str, group: str, consumer: str) -> None:
    """Print events."""

    async def show(event: Event) -> None:
        print(event.model_dump_json(), flush=True)

    # the consumer tries again by itself
    async with Redis.from_url(redis_url, decode_responses=True, retry=Retry(NoBackoff(), 0)) as redis:
        await Consumer(redis, group, consumer, show).run()


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Work until SIGTERM, by which services are stopped, as Ctrl-C stops it: what has to be cleaned up is."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))
    await task


parser = argparse.ArgumentParser(prog="python -m integration")
commands = parser.add_subparsers(dest="command", required=True)
commands.add_parser("orders", help="lists the orders")
commands.add_parser("follow", help="follows them")
hooks = commands.add_parser("webhooks", help="receives webhooks")
hooks.add_argument("address", help="where the shop reaches this program, such as https://erp.example/hooks")
hooks.add_argument("--port", type=int, default=8000)
hooks.add_argument("--secret-file", type=Path, default=Path("webhook.json"), help="where the endpoint's secret is kept")
hooks.add_argument("--pause", action="store_true", help="pause the endpoint in the end; what waits for it is given up")
events = commands.add_parser("stream", help="reads the Redis Stream")
events.add_argument("--redis", default="redis://127.0.0.1:6379")
events.add_argument("--group", default="example")
# the same from start to start, so that it is given again what it had
events.add_argument("--consumer", default=socket.gethostname(), help="its name, which no other of the group has (this host's)")
arguments = parser.parse_args()

match arguments.command:
    case "orders":
        work = list_orders()
    case "follow":
        work = follow_orders()
    case "webhooks":
        work = receive(arguments.address, arguments.port, arguments.secret_file, pauses=arguments.pause)
    case _:
        work = read_stream(arguments.redis, arguments.group, arguments.consumer)
logging.basicConfig(format="%(message)s")
try:
    asyncio.run(until_stopped(work))
except (KeyboardInterrupt, asyncio.CancelledError):
    pass
except shop.KeyRefusedError:
    parser.exit(1, "The key does not work any more.\n")
except (shop.UnreachableError, endpoint.RefusedError, GraphQLClientError) as error:
    parser.exit(1, f"The shop: {error}\n")
except (AuthenticationError, AuthorizationError, NoPermissionError) as refusal:
    parser.exit(1, f"Redis: {refusal}\n")
