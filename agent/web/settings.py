"""Checks of the settings of the page; each ValueError is a sentence for the operator. Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr, ValidationInfo

__all__ = ["check_auth_url", "check_origin", "check_password"]

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_password(password: SecretStr | None) -> SecretStr | None:
    """`password`, which can stand in a link."""
    if password is not None and not re.fullmatch(
        r"[A-Za-z0-9._~-]{16,128}", password.get_secret_value()
    ):
        raise ValueError("must have 16 or more letters and digits, as `openssl rand -hex 16` makes")
    return password


def check_auth_url(url: str | None, info: ValidationInfo) -> str | None:
    """`url`, which can be asked with a caller's own Authorization header."""
    if url is None:
        return None
    parts = _parts_of(url)
    if not parts or not url.isascii() or not url.isprintable() or " " in url or parts.fragment:
        raise ValueError("must be an address like https://login.example.com/check")
    if "@" in parts.netloc:
        raise ValueError(
            "must hold no user name and password: the hook is sent what callers log in with"
        )
    if info.data.get("agent_web_password"):
        raise ValueError(
            "there is AGENT_WEB_PASSWORD as well, and callers can send one Authorization only: "
            "unset one of the two"
        )
    return url


def check_origin(origin: str) -> None:
    """Raises ValueError unless a browser writes an origin as this."""
    if origin == "*":
        raise ValueError(
            "* would let every site call with its visitors' browsers: list the sites' origins"
        )
    parts = _parts_of(origin)
    if not parts or origin != _as_browsers_write(parts):
        raise ValueError(
            f"{origin!r:.80} is no origin as browsers write it, like https://shop.example.com or "
            "http://localhost:3000: in small letters, nothing behind the name but a port of its own"
        )


def _parts_of(url: str) -> SplitResult | None:
    """The parts of an http or https address with a host, else None."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in _DEFAULT_PORTS and parts.port != 0 and _is_host(parts)
    except ValueError:
        return None
    return parts if is_one else None


def _is_host(parts: SplitResult) -> bool:
    name = parts.hostname or ""
    if parts.netloc.rpartition("@")[2].startswith("["):
        return ipaddress.IPv6Address(name).scope_id is None
    return len(name) <= 253 and bool(re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name))


def _as_browsers_write(parts: SplitResult) -> str:
    name = parts.hostname or ""
    host = f"[{ipaddress.ip_address(name)}]" if ":" in name else name
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
