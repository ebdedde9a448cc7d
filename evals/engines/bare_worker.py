"""A livekit worker whose jobs join their room and do nothing else."""

from __future__ import annotations

from livekit.agents import JobContext

from evals.baselines.worker import loopback, serve


async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect(rtc_config=loopback())


if __name__ == "__main__":
    raise SystemExit(serve(entrypoint))
