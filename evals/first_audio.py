"""How soon a long reply is heard, and whether the voice runs dry: ours against livekit's default.

    python -m evals.first_audio [--replies 24]

Replies are written at 60 tokens a second to `ClauseTTS` and to livekit's `StreamAdapter` as it is by
default (blingfire sentences), over the same engine, in turn. espeak is measured in real time;
engines of a set speed (RTF: seconds of work for a second of audio), which give each text's audio
when it is done or as it goes, run on a clock that jumps, so that their figures are exact.
Every reply counts, the first included, when ClauseTTS does not know the engine yet. Raw figures go
to `evals/results/first_audio.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from livekit.agents import tts
from livekit.plugins import espeak

from agent.speech import clause_tts
from evals.first_call import summary
from tests.fakes.listener import listen
from tests.fakes.paced_tts import Pace, PacedTTS
from tests.fakes.virtual_time import run_virtual

RESULTS = Path(__file__).parent / "results" / "first_audio.json"
TOKENS_PER_S = 60
SENTENCES_A_REPLY = 6
HEARD_GAP_S = 0.02
"""Shorter than that is the clock's own unrest."""

OPENINGS = (
    "Sure.",
    "Yes, of course.",
    "Let me see.",
    "Good question!",
    "Okay, here is what I found.",
    "",
)
SENTENCES = (
    "The ferry leaves from the second pier every forty minutes, and the last one goes at eleven.",
    "You do not need a ticket for the upper deck.",
    "If the weather turns, they stop the small boats first and the large ones an hour later.",
    "Parking behind the station costs four euros a day.",
    "My list has three bakeries within walking distance, but only one of them opens before six.",
    "The second one is larger.",
    "Your order left the warehouse on Tuesday and should be with you by Friday afternoon.",
    "I have moved the meeting with the plumber to ten o'clock, because you asked for a late start.",
    "He confirmed it.",
    "The recipe takes two cups of flour, a spoon of honey, a pinch of salt and some warm water.",
    "Leave the dough under a cloth until it has doubled, which takes about an hour in summer.",
    "Then bake it until the crust sounds hollow.",
    "The trail is closed north of the bridge, so turn left at the old mill and follow the river.",
    "It is steep in places.",
    "Nobody has answered the message that you sent to the landlord last week.",
    "Shall I write to him again, or would you rather call?",
    "The library lends out tools as well as books, including a drill, two ladders and a tent.",
    "Bring a card with your address on it.",
)  # fmt: skip


def reply(number: int) -> str:
    """Text of 200 to 500 characters, always the same for a number."""
    chosen = random.Random(number)
    body = " ".join(chosen.sample(SENTENCES, SENTENCES_A_REPLY))
    return f"{OPENINGS[number % len(OPENINGS)]} {body}".strip()


def stock(engine: tts.TTS[Any]) -> tts.TTS[Any]:
    return tts.StreamAdapter(tts=engine)


SYSTEMS: dict[str, Callable[[tts.TTS[Any]], tts.TTS[Any]]] = {"clauses": clause_tts, "stock": stock}


async def measure(make: Callable[[], tts.TTS[Any]], replies: int) -> dict[str, Any]:
    """Both systems over engines of their own, reply by reply in turn."""
    engines = {name: make() for name in SYSTEMS}
    speakers = {name: SYSTEMS[name](engine) for name, engine in engines.items()}
    figures: dict[str, dict[str, list[float]]] = {
        name: {"first_audio_s": [], "starved_s": [], "gaps": []} for name in SYSTEMS
    }
    for engine in engines.values():
        await engine.synthesize("Once.").collect()  # what is loaded on first use is another matter
    for number in range(replies):
        for name, speaker in speakers.items():
            heard = await listen(speaker, reply(number), tokens_per_s=TOKENS_PER_S)
            gaps_s = [gap_s for gap_s in heard.gaps_s if gap_s >= HEARD_GAP_S]
            assert heard.first_s is not None
            figures[name]["first_audio_s"].append(round(heard.first_s, 4))
            figures[name]["starved_s"].append(round(sum(gaps_s), 4))
            figures[name]["gaps"].append(len(gaps_s))
    for closing in (*speakers.values(), *engines.values()):
        await closing.aclose()
    return {name: _summed_up(of_system) for name, of_system in figures.items()}


def _summed_up(figures: dict[str, list[float]]) -> dict[str, Any]:
    gaps = figures["gaps"]
    return {
        "first_audio": summary(figures["first_audio_s"]),
        "starved": summary(figures["starved_s"]) | {"max_s": max(figures["starved_s"])},
        "replies_with_a_gap": sum(count > 0 for count in gaps),
        "gaps_a_reply": sum(gaps) / len(gaps),
        "raw": figures,
    }


def _table(results: dict[str, Any]) -> str:
    lines = [
        f"{'engine':26}{'system':9}{'n':>3}{'first audio p50 / p95 s':>26}"
        f"{'starved p50 / p95 / max s':>28}{'with a gap':>12}{'gaps a reply':>14}"
    ]
    for engine, systems in results.items():
        for system, of_system in systems.items():
            first, starved = of_system["first_audio"], of_system["starved"]
            first_s = f"{first['p50_s']:.3f} / {first['p95_s']:.3f}"
            starved_s = " / ".join(f"{starved[key]:.2f}" for key in ("p50_s", "p95_s", "max_s"))
            lines.append(
                f"{engine:26}{system:9}{first['n']:3}{first_s:>26}{starved_s:>28}"
                f"{of_system['replies_with_a_gap']:12}{of_system['gaps_a_reply']:14.1f}"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--replies", type=int, default=24)
    replies = parser.parse_args().replies
    results = {"espeak": asyncio.run(measure(espeak.TTS, replies))}
    for rtf in (0.1, 0.3, 0.6, 0.9, 1.5):
        for name, step_s in (("at the end", None), ("as it goes", 0.1)):
            pace = Pace(rtf=rtf, step_s=step_s)
            results[f"RTF {rtf:g}, audio {name}"] = run_virtual(
                measure(lambda pace=pace: PacedTTS(pace), replies)
            )
    conditions = {
        "when": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "tokens_per_s": TOKENS_PER_S,
        "engines with an RTF": "simulated: 0.05 s and the RTF times the audio, one text at a time",
    }
    RESULTS.write_text(json.dumps({"conditions": conditions, "engines": results}, indent=1))
    print(_table(results))  # noqa: T201


if __name__ == "__main__":
    main()
