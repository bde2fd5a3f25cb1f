"""The program, as it is started: `python -m integration`."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import create_server, gethostname
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


async def prints(process: Process, order: str) -> None:
    """Wait until it has been told of the order."""
    assert process.stdout is not None
    while order not in (line := (await process.stdout.readline()).decode()):
        assert line, "it ended"


async def stop(process: Process, how: signal.Signals) -> None:
    """Stop it; it has nothing against that."""
    process.send_signal(how)
    async with asyncio.timeout(15):
        assert await process.wait() == 0


@pytest.mark.usefixtures("permitted")
async def test_webhooks_are_received_by_one_endpoint_from_start_to_start(
    url: str, admin: Person, customer: Person, tmp_path: Path
) -> None:
    """What happens while nobody is there is sent again; also when the secret was lost. It is paused when that is asked for."""
    _, key = admin.key("ORDERS_READ", "WEBHOOKS_MANAGE")
    port, kept = free_port(), tmp_path / "webhook.json"
    address = f"http://127.0.0.1:{port}/{uuid4()}"
    command = ("webhooks", address, "--port", str(port), "--secret-file", str(kept))

    async with program(*command, QC_URL=url, QC_API_KEY=key) as process:
        await said(process, address)
        first = customer.order()
        await prints(process, first)
        await stop(process, signal.SIGINT)
    assert admin.endpoints(address) == [True]

    missed = customer.order()
    kept.unlink()
    async with program(*command, "--pause", QC_URL=url, QC_API_KEY=key) as process:
        await said(process, address)
        await prints(process, missed)
        assert admin.endpoints(address) == [True]
        await stop(process, signal.SIGTERM)
    assert admin.endpoints(address) == [False]
    for order in (first, missed):
        customer.cancel(order)


async def test_no_endpoint_is_made_for_a_port_that_is_in_use(url: str, admin: Person) -> None:
    """It would lead to somebody else."""
    _, key = admin.key("ORDERS_READ", "WEBHOOKS_MANAGE")
    address = f"https://erp.example/{uuid4()}"
    with create_server(("0.0.0.0", 0)) as taken:  # noqa: S104
        port = str(taken.getsockname()[1])
        async with program("webhooks", address, "--port", port, QC_URL=url, QC_API_KEY=key) as process:
            assert await process.wait() == 1
    assert not admin.endpoints(address)


@pytest.mark.parametrize("command", [("follow",), ("orders",), ("webhooks", "https://erp.example")], ids=lambda words: words[0])
async def test_a_shop_that_is_not_there_is_said(command: tuple[str, ...], tmp_path: Path) -> None:
    """And waited for."""
    if command[0] == "webhooks":
        command = (*command, "--port", "0", "--secret-file", str(tmp_path / "webhook.json"))
    async with program(*command, QC_URL=f"http://127.0.0.1:{free_port()}", QC_API_KEY="qck_of_nobody") as process:
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


@pytest.mark.parametrize("given", [None, "billing-2"])
async def test_a_consumer_has_the_name_it_is_given(given: str | None) -> None:
    """Or that of the host: whoever has the name of another is given what that one is working on."""
    options = ("--consumer", given) if given else ()
    read = asyncio.Queue[bytes]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.readline():
            words = list[bytes]()
            for _ in range(int(command[1:])):
                size = int((await reader.readline())[1:])
                words.append((await reader.readexactly(size + 2))[:size])
            if words[0] == b"XREADGROUP":
                read.put_nowait(words[3])
            else:
                writer.write(b"+OK\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as redis:
        address = f"redis://127.0.0.1:{redis.sockets[0].getsockname()[1]}"
        async with program("stream", "--redis", address, *options):
            assert (await read.get()).decode() == (given or gethostname())
