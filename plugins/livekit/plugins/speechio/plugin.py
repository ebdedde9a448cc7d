"""What livekit knows a package of engines by."""

from __future__ import annotations

import logging

from livekit.agents import Plugin


class ModelPlugin(Plugin):
    """A package whose models `parley download` fetches, pinned and verified. Importing it loads nothing."""

    def __init__(self, package: str, version: str, *, model: str) -> None:
        """`model`: the one to begin with, like "faster_whisper:base.en"."""
        super().__init__(package, version, package, logging.getLogger(package))
        self._model = model

    def download_files(self) -> None:
        """Fetches nothing and says what does: livekit's `download-files` has no pins."""
        logging.getLogger(self.package).info(
            "its models are fetched by another command: parley download %s", self._model
        )
