"""A network between the integration and the shop, which can be cut or fall silent."""

import asyncio
from contextlib import suppress


class Network:
    """Passes bytes on, both ways, until it is cut or told to be silent."""

    def __init__(self, host: str, port: int) -> None:
        """Make a network that leads to a server."""
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._speaks = asyncio.Event()
        self._speaks.set()

    async def open(self) -> int:
        """Return the port here that leads there."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Break every connection, without a goodbye; new ones may be made."""
        for writer in self._writers:
            writer.transport.abort()

    def silence(self) -> None:
        """Pass nothing on from now on; connections stay, and new ones may be made."""
        self._speaks.clear()

    def speak(self) -> None:
        """Pass everything on again."""
        self._speaks.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError):
            while part := await reader.read(65_536):
                await self._speaks.wait()
                writer.write(part)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)
