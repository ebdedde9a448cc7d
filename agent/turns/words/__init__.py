"""What the caller's words say about the turn: is it over, and is it a turn at all?"""

from agent.turns.words.backchannel import Heard, overlap_words
from agent.turns.words.judge import NEUTRAL, Verdict, WordsJudge

__all__ = ["NEUTRAL", "Heard", "Verdict", "WordsJudge", "overlap_words"]
