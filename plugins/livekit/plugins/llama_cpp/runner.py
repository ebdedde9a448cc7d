"""The process in which llama.cpp's server lives. Started as a file, so that it imports nothing else.

Reads its options as one line of JSON on stdin, writes one line of JSON on stdout ({"url": …} once the
model is loaded, or {"error": …}), and ends when stdin does: with its parent, however that ends.
llama.cpp's own log goes to stderr.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

_GPU_BATCH, _CPU_BATCH = 512, 128


def main() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)  # what the library prints must not mix with our one line
    options = json.loads(sys.stdin.readline())
    _end_with_stdin()
    try:
        server = _start(options)
        answer = {"url": server.listening_address}
    except Exception as e:  # the parent puts it into a sentence
        answer = {"error": str(e)}
    os.write(answers, json.dumps(answer).encode() + b"\n")
    if "error" in answer:
        sys.exit(1)  # not at once: the library's log is written by a thread of its own
    sys.stdin.read()
    os._exit(0)  # at once: there is nothing to save


def _end_with_stdin() -> None:
    """Also while the model loads, when no Python runs: the kernel sends SIGIO when the other end of
    the pipe closes, and by default that ends a process. Where it does not, `main` sees it later."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def _start(options: dict[str, Any]) -> Any:
    import xllamacpp

    has_gpu = options["gpu_layers"] != 0 and _has_gpu(xllamacpp)
    if options["gpu_layers"] and not has_gpu:
        raise RuntimeError("no GPU")
    params = _params(xllamacpp, options)
    params.n_batch = options["batch_tokens"] or (_GPU_BATCH if has_gpu else _CPU_BATCH)
    params.n_ubatch = min(params.n_ubatch, params.n_batch)
    server = xllamacpp.Server(params)
    if not has_gpu:
        _let_others_first(options["niceness"])  # now that it has loaded: that is waited for, too
    return server


def _let_others_first(niceness: int) -> None:
    """On Linux each thread has a niceness of its own, which its children inherit, and sessions are
    weighed before what is in them."""
    reached = os.nice(niceness)  # whoever started us may have stood back already
    with contextlib.suppress(OSError):  # a Linux that groups nothing, or another system
        Path("/proc/self/autogroup").write_text(str(reached))
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), reached)


def _params(library: Any, options: dict[str, Any]) -> Any:
    params = library.CommonParams()
    params.model.path = options["model"]
    params.n_parallel = options["slots"]
    params.n_ctx = options["slots"] * options["context_tokens"]
    if options["threads"] is not None:
        params.cpuparams.n_threads = options["threads"]
        params.cpuparams_batch.n_threads = options["threads"]
    if options["gpu_layers"] is not None:
        params.n_gpu_layers = options["gpu_layers"]
    if options["flash_attention"] is not None:
        kinds = library.llama_flash_attn_type
        params.flash_attn_type = (
            kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED
            if options["flash_attention"]
            else kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
    params.cache_prompt = True
    if options["slots_folder"] is not None:
        params.slot_save_path = os.path.join(options["slots_folder"], "")  # names are put behind it
    params.n_cache_reuse = options["cache_reuse_tokens"]
    params.cache_ram_mib = 0  # eight gigabytes by default, filled on the way of a request
    params.ctx_shift = options["context_shift"]
    params.n_keep = options["keep_tokens"]
    params.use_jinja = True
    params.prefill_assistant = False  # a reply after a reply is a new one
    if options["chat_template"] is not None:
        params.chat_template = options["chat_template"]
    if options["draft_model"] is not None:
        _add_draft(library, params, options)
    _listen(params, options)
    return params


def _add_draft(library: Any, params: Any, options: dict[str, Any]) -> None:
    kind = library.common_speculative_type.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE
    params.speculative.types = [kind]
    params.speculative.draft.mparams.path = options["draft_model"]
    params.speculative.draft.n_max = options["draft_tokens"]


def _listen(params: Any, options: dict[str, Any]) -> None:
    params.hostnames = ["127.0.0.1"]
    params.port = options["port"]
    params.ui = False
    params.endpoint_slots = True
    params.cors_origins = "localhost"  # no page of a browser here may read the answers
    params.verbosity = 2  # warnings: a server runs for weeks
    if options["api_key"] is not None:
        params.api_keys = [options["api_key"]]


def _has_gpu(library: Any) -> bool:
    kinds = library.ggml_backend_dev_type
    cpu = (kinds.GGML_BACKEND_DEVICE_TYPE_CPU, kinds.GGML_BACKEND_DEVICE_TYPE_ACCEL)
    return any(device["type"] not in cpu for device in library.get_device_info())


if __name__ == "__main__":
    main()
