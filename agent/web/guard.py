"""Who may ask: refuses foreign hosts (DNS rebinding) and foreign pages (cross-site requests)."""

import ipaddress
from urllib.parse import urlsplit

__all__ = ["content_security_policy", "host_name", "is_known_host", "is_own_origin"]


def host_name(host_header: str) -> str:
    """The lower-case name or address of a Host header, without port and brackets; "" if malformed."""
    try:
        parts = urlsplit(f"//{host_header}")
        if parts.netloc != host_header or "@" in host_header or parts.port == 0:
            return ""
    except ValueError:
        return ""
    return parts.hostname or ""


def is_known_host(name: str, *, host: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Whether `name` is this machine's loopback, the configured `host` or an allowed one."""
    if name in {"localhost", host.lower(), *(h.lower() for h in allowed_hosts)}:
        return bool(name)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_own_origin(
    origin: str, *, scheme: str, host_header: str, allowed_hosts: tuple[str, ...]
) -> bool:
    """Whether the page at `origin` was served by us under `host_header`.

    An allowed host may also be reached over HTTPS through a proxy that ends TLS, in which case
    the scheme seen here is still plain HTTP.
    """
    if origin.lower() == f"{scheme}://{host_header}".lower():
        return True
    behind_proxy = host_name(host_header) in {h.lower() for h in allowed_hosts}
    return behind_proxy and origin.lower() == f"https://{host_header}".lower()


def content_security_policy(livekit_url: str) -> str:
    """Allows our own files and WebAssembly, and connections to the LiveKit server, nothing else.

    Raises `ValueError` when `livekit_url` is not a ws, wss, http or https URL with a host.
    """
    parts = urlsplit(livekit_url)
    secure = {"ws": False, "http": False, "wss": True, "https": True}
    netloc = parts.netloc.rpartition("@")[2]
    if parts.scheme not in secure or not parts.hostname or set(netloc) & set("; ,'\"*"):
        raise ValueError(f"{livekit_url!r} is not a ws:// or wss:// address")
    # The client opens a WebSocket and asks the same host over HTTP why one failed.
    schemes = ("wss", "https") if secure[parts.scheme] else ("ws", "http")
    targets = [netloc]
    if parts.hostname.endswith(".livekit.cloud"):
        targets.append("*.livekit.cloud")  # its regions have host names of their own
    connect = " ".join(f"{scheme}://{target}" for target in targets for scheme in schemes)
    return (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self' data:; "
        f"connect-src 'self' {connect}; media-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
