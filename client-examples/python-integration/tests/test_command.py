"""The program, as it is started: `python -m integration`."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import create_server
from uuid import uuid4

import pytest

from tests.people import Person

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def program(*arguments: str, **env: str) -> AsyncIterator[Process]:
    """Start it; it does not outlive the test."""
    command = (sys.executable, "-m", "integration", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=os.environ | env)
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process, word: str) -> str:
    """Return the first line on standard error that has the word."""
    assert process.stderr is not None
    async for line in process.stderr:
        if word in line.decode():
            return line.decode()
    message = f"it ended before it said {word}"
    raise AssertionError(message)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
async def test_webhooks_are_received_until_it_is_stopped(url: str, admin: Person, customer: Person, how: signal.Signals) -> None:
    """And then nothing is sent to where nobody is any more."""
    _, key = admin.key("ORDERS_READ", "WEBHOOKS_MANAGE")
    port = free_port()
    address = f"http://127.0.0.1:{port}/{uuid4()}"
    async with program("webhooks", address, "--port", str(port), QC_URL=url, QC_API_KEY=key) as process:
        await said(process, address)
        order = customer.order()
        assert process.stdout is not None
        while order not in (await process.stdout.readline()).decode():
            assert process.returncode is None
        assert admin.endpoints()[address]
        process.send_signal(how)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
        assert not admin.endpoints()[address]
    customer.cancel(order)


async def test_no_endpoint_is_made_for_a_port_that_is_in_use(url: str, admin: Person) -> None:
    """It would lead to somebody else."""
    _, key = admin.key("ORDERS_READ", "WEBHOOKS_MANAGE")
    address = f"https://erp.example/{uuid4()}"
    with create_server(("0.0.0.0", 0)) as taken:  # noqa: S104
        port = str(taken.getsockname()[1])
        async with program("webhooks", address, "--port", port, QC_URL=url, QC_API_KEY=key) as process:
            assert await process.wait() == 1
    assert address not in admin.endpoints()


async def test_a_shop_that_is_not_there_is_said() -> None:
    """And waited for."""
    async with program("follow", QC_URL=f"http://127.0.0.1:{free_port()}", QC_API_KEY="qck_of_nobody") as process:
        for _ in range(2):
            await said(process, "trying again")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_an_address_that_is_none_ends_it() -> None:
    """There is nothing to wait for."""
    async with program("follow", QC_URL="nonsense", QC_API_KEY="qck_of_nobody") as process:
        await said(process, "nonsense")
        assert await process.wait() == 1


async def test_a_redis_that_is_not_there_is_said() -> None:
    """And waited for."""
    async with program("stream", "--redis", f"redis://127.0.0.1:{free_port()}") as process:
        for _ in range(2):
            await said(process, "trying again")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
