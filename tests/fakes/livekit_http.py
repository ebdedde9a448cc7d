"""The one HTTP call of a LiveKit server that the demo checks keys with, and ways to get it wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
from aiohttp import web

LIST_ROOMS = "/twirp/livekit.RoomService/ListRooms"


@asynccontextmanager
async def http_server(app: web.Application) -> AsyncIterator[str]:
    """Serves `app` on loopback; gives its address."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def livekit_app(api_key: str, api_secret: str) -> web.Application:
    """Lists no rooms to whoever holds the key, and refuses others, as livekit-server 1.11 does."""

    async def list_rooms(request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if jwt.decode(token, options={"verify_signature": False})["iss"] != api_key:
            return web.Response(status=401, text="invalid API key")
        try:
            claims = jwt.decode(token, api_secret, algorithms=["HS256"])
        except jwt.InvalidSignatureError:
            return web.Response(status=401, text="invalid token")
        if not claims["video"].get("roomList"):
            return web.Response(status=403, text="permissions denied")
        return web.json_response({"rooms": []})

    app = web.Application()
    app.router.add_post(LIST_ROOMS, list_rooms)
    return app
