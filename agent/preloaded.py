"""Models loaded once for all calls of a worker.

livekit's forkserver imports this module before it forks the first job process; the processes share
the memory copy-on-write. Nothing else may import it: importing loads the models.
"""

import asyncio

from livekit.agents import llm, tokenize, utils

from agent.config import load_settings
from agent.engines import Loaded, preload
from agent.profiles import choose


async def _warm_up() -> None:
    """What livekit makes when it first needs it, in the midst of a call: how messages are validated, the
    rules by which words are hyphenated (a reply's first sound waits for them), and what TLS trusts."""
    llm.ChatContext().add_message(role="system", content="")
    tokenize.basic.hyphenate_word("hyphenated")
    async with utils.http_context.open():
        utils.http_context.http_session()


LOADED = Loaded()
preload(choose(load_settings()), LOADED)
asyncio.run(_warm_up())
