"""Calls that go on when a process dies: what was said is kept outside it, and an agent comes back."""

from agent.continuity.conversation import Conversation
from agent.continuity.keeper import Keeper
from agent.continuity.store import ConversationStore, FileStore, StoreError, open_store

__all__ = [
    "Conversation",
    "ConversationStore",
    "FileStore",
    "Keeper",
    "StoreError",
    "open_store",
]
