"""Nothing is fetched: the whole way works with every socket but loopback blocked."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from pytest_socket import SocketConnectBlockedError

_BLOCKED = """
import socket, sys

tried = []
real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo

def connect(self, address):
    host = address[0] if isinstance(address, tuple) else "unix"
    if host not in ("127.0.0.1", "::1", "localhost", "unix"):
        tried.append(host)
        raise OSError(f"blocked: {address}")
    return real_connect(self, address)

def lookup(host, *args, **options):
    if host not in ("127.0.0.1", "::1", "localhost", None, b"localhost"):
        tried.append(host)
        raise OSError(f"blocked: {host}")
    return real_lookup(host, *args, **options)

socket.socket.connect = socket.socket.connect_ex = connect
socket.getaddrinfo = lookup

import rag
from rag.cli import main

def run(*arguments):
    sys.argv = ["rag", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code

index = sys.argv[2]
codes = [
    run("index", sys.argv[1], "--index", index),
    run("ask", "--json", "How many hostages remain?", "--index", index),
    run("verify", "--index", index),
]
with rag.open_archive(index) as archive:
    assert archive.ask("How many hostages remain?").statements
print("codes", codes, "tried", tried)
"""


def test_indexing_and_asking_try_no_connection(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BLOCKED, str(ROOT / "seeds"), str(tmp_path / "index")],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "codes [0, 0, 0] tried []"
    assert "About 50 hostages remain" in done.stdout


def test_the_suite_itself_is_cut_off_from_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outward:
        outward.settimeout(1)
        with pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"):
            outward.connect(("192.0.2.1", 80))
