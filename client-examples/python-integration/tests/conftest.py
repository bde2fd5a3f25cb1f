"""What the tests against a real server share. Without `QC_URL` they are skipped."""

import os

import pytest

from tests.people import Person


@pytest.fixture
def anyio_backend() -> str:
    """Run tests that are coroutines."""
    return "asyncio"


@pytest.fixture(scope="session")
def url() -> str:
    """Where the server with the demo data is."""
    if "QC_URL" not in os.environ:
        pytest.skip("QC_URL does not say where a server is")
    return os.environ["QC_URL"]


@pytest.fixture(scope="session")
def admin(url: str) -> Person:
    """Return the demo's admin."""
    return Person(url, "admin")


@pytest.fixture(scope="session")
def customer(url: str) -> Person:
    """Return the demo's customer."""
    return Person(url, "customer")


@pytest.fixture
def permitted() -> None:
    """Skip where the server does not send webhooks to this machine."""
    if os.environ.get("QC_WEBHOOKS") != "1":
        pytest.skip("QC_WEBHOOKS is not 1: the server may not send webhooks to this machine over HTTP")
