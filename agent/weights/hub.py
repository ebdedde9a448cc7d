"""Opens a file of a model on the Hugging Face hub, or where else its makers publish it.

The session, the address, the token and the errors are huggingface_hub's, and so are the variables that it
respects: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT, HTTPS_PROXY, NO_PROXY. The bytes
are read here: since version 2 its own downloads throw away what came when they are stopped, and go through
a second service (Xet) that mirrors do not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent import __version__
from agent.weights.catalogue import File, Model
from agent.weights.errors import WeightsError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

__all__ = ["Body", "Hub", "Interrupted"]

_CHUNK_BYTES = 256 * 1024
_TRY_AGAIN = {408, 416, 429, 500, 502, 503, 504}


class Interrupted(Exception):
    """The file did not come, or not to its end; another try may help. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """The content of a file from `start` on."""

    start: int
    """In bytes; 0 also when the server does not resume."""
    chunks: Iterator[bytes]


class Hub:
    """Where weights come from. Blocking; imports huggingface_hub when first used."""

    def __init__(self, *, endpoint: str | None = None, offline: bool = False) -> None:
        """`endpoint` stands in for HF_ENDPOINT; `offline` refuses every download."""
        self._endpoint = endpoint
        self._offline = offline

    @contextmanager
    def open(self, model: Model, file: File, start: int) -> Iterator[Body]:
        """Gives the file from byte `start`. Raises Interrupted or WeightsError, also in between."""
        client, transport_error = _client()
        from huggingface_hub import constants, hf_raise_for_status, is_offline_mode
        from huggingface_hub.errors import HfHubHTTPError

        if self._offline or is_offline_mode():
            raise WeightsError(
                f"{model.name} has to be downloaded and HF_HUB_OFFLINE or PARLEY_OFFLINE forbids it: "
                "unset it, or copy the files into the folder that `parley models --json` names."
            )
        url, headers = self._request(model, file)
        if start:
            headers["range"] = f"bytes={start}-"
        timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
        try:
            with client.stream("GET", url, headers=headers, timeout=timeout_s) as response:
                hf_raise_for_status(response)
                resumed = start if response.status_code == 206 else 0
                _check_length(response, file, resumed)
                yield Body(start=resumed, chunks=response.iter_bytes(_CHUNK_BYTES))
        except HfHubHTTPError as e:
            raise _refusal(e, model, url) from None
        except transport_error as e:
            host = url.split("/")[2]
            raise Interrupted(f"{host}: {str(e) or type(e).__name__}") from e

    def _request(self, model: Model, file: File) -> tuple[str, dict[str, str]]:
        from huggingface_hub import constants, get_token, hf_hub_url

        # Not build_hf_headers: that asks the hub for a list of coding agents and reports which it runs in.
        headers = {"user-agent": f"parley-agent/{__version__}", "accept-encoding": "identity"}
        if model.url:
            return f"{model.url}/{file.source}", headers
        endpoint = self._endpoint or constants.ENDPOINT
        if not endpoint.startswith(("http://", "https://")):
            raise WeightsError(
                f"HF_ENDPOINT: {endpoint!r} must begin with https://, as https://huggingface.co does."
            )
        token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
        if token:
            headers["authorization"] = f"Bearer {token}"
        url = hf_hub_url(
            model.hub or "", file.source, revision=model.revision, endpoint=self._endpoint
        )
        return url, headers


def _client() -> tuple[Any, type[Exception]]:
    """huggingface_hub's HTTP client and the base of its transport errors."""
    try:
        from huggingface_hub import get_session
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError:
        raise WeightsError(
            "Downloads need huggingface_hub: run `make setup LOCAL=1`, or install parley-agent[local]."
        ) from None
    try:
        # The client is of httpx up to version 1 and of httpx2 since: the errors lead to their own base.
        return get_session(), HfHubHTTPError.__bases__[0]
    except (ValueError, ImportError) as e:  # what the client says of a proxy it cannot use
        raise WeightsError(f"HTTPS_PROXY, HTTP_PROXY or ALL_PROXY cannot be used: {e}.") from None


def _check_length(response: Any, file: File, start: int) -> None:
    """A page of a captive portal or of another version is refused before it is downloaded."""
    length = response.headers.get("content-length")
    encoded = response.headers.get("content-encoding", "identity") != "identity"
    if length is not None and not encoded and start + int(length) != file.size_bytes:
        raise WeightsError(
            f"{response.url.host} sends {start + int(length)} bytes for {file.source} instead of "
            f"{file.size_bytes}: check HF_ENDPOINT, and that the network asks for no login."
        )


def _refusal(error: HfHubHTTPError, model: Model, url: str) -> Exception:
    """What an answer other than the file means, in a sentence; Interrupted when it may pass."""
    status, host = error.response.status_code, error.response.url.host
    if status in _TRY_AGAIN:
        return Interrupted(f"{host} answers {status}")
    if error.response.headers.get("x-error-code") == "GatedRepo":
        return WeightsError(
            f"{model.hub} is given only to those who accept its terms: do so on "
            f"{url.partition('/resolve/')[0]}, and set HF_TOKEN to a token of that account."
        )
    if status in {401, 403}:
        return WeightsError(
            f"{host} refuses {model.name} ({status}): set HF_TOKEN to a token that may read "
            f"{model.source}, or unset it if it has expired."
        )
    if status == 404:
        return WeightsError(
            f"{host} has no {model.source} (404): check HF_ENDPOINT, or update Parley."
        )
    return WeightsError(f"{host} refuses {model.name} ({status}): try again later.")
