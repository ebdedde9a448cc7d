"""Models loaded once for all calls of a worker.

livekit's forkserver imports this module before it forks the first job process; the processes share
the memory copy-on-write. Nothing else may import it: importing loads the models.
"""

from agent.config import load_settings
from agent.engines import Loaded, preload
from agent.profiles import choose

LOADED = Loaded()
preload(choose(load_settings()), LOADED)
