"""A store of conversations in memory."""

from __future__ import annotations

from agent.continuity import Conversation, StoreError


class MemoryConversations:
    """`fails` makes it refuse everything."""

    def __init__(self) -> None:
        self.kept: dict[str, Conversation] = {}
        self.fails = False
        self.is_closed = False

    async def save(self, conversation: Conversation) -> None:
        self._check()
        self.kept[conversation.room] = conversation

    async def load(self, room: str) -> Conversation | None:
        self._check()
        return self.kept.get(room)

    async def delete(self, room: str) -> None:
        self._check()
        self.kept.pop(room, None)

    async def aclose(self) -> None:
        self.is_closed = True

    def _check(self) -> None:
        if self.fails:
            raise StoreError("the store is away")
