"""Starts the process that job processes are forked from, before anything heavy is imported.

It imports and loads what they share while this process does its own imports: the worker is
registered some two seconds sooner than with livekit's own start of it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import ssl
import sys
from multiprocessing import forkserver
from pathlib import Path

import certifi

PRELOADED_MODULES = ["agent.main", "agent.preloaded"]

_LIVEKITS_OWN = ["livekit.agents.ipc._preload", "livekit.agents.ipc._preload_freeze"]
"""What livekit puts after a worker's modules, and in this order; one that is gone is passed over."""


def start_forkserver() -> None:
    """Job processes get the environment as it is now. Elsewhere than on Linux livekit does not fork."""
    if not sys.platform.startswith("linux"):
        return
    _find_certificates()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED_MODULES, *_LIVEKITS_OWN])
    # Ctrl-C reaches it as well, and would end its imports with a traceback.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, handler)


def settle_forkserver() -> None:
    """Waits until its imports are done; a start that fails would take its metrics folder away."""
    if sys.platform.startswith("linux"):
        child = multiprocessing.get_context("forkserver").Process(target=os.getpid)
        child.start()
        child.join()


def _find_certificates() -> None:
    """As livekit does it later: a container without a trust store gets certifi's."""
    paths = ssl.get_default_verify_paths()
    found = [path for path in (paths.openssl_cafile, paths.openssl_capath) if Path(path).exists()]
    if not found and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
        os.environ["SSL_CERT_FILE"] = certifi.where()
