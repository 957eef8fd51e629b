"""agent.py: an agent in Python. Decorators log each call of a model and of an agent; the job's id goes along by itself.

    python3 agent.py LOGDIR && agentlog ingest LOGDIR agents.db && agentlog stats availability agents.db
"""
import asyncio
import sys

import agentlog

log = agentlog.Writer(sys.argv[1])


class Busy(Exception):
    status_code = 429  # as HTTP libraries give it: the call never got to run


def tokens(answer):
    """What an answer says of itself, for the log."""
    return {"input_tokens": answer["in"], "output_tokens": answer["out"]}


@log.tracked_provider("cloud-a", model="large-2", describe=tokens)
async def ask_first(question):
    raise Busy("try again later")


@log.tracked_provider("cloud-b", model="medium-5", fallback_from="cloud-a", describe=tokens)
async def ask_second(question):
    await asyncio.sleep(0.01)
    return {"text": f"fixed: {question}", "in": 5210, "out": 388}


@log.tracked_agent("fixer", issue_type="type_error", describe=lambda text: {"confidence": 0.9, "fixes_applied": 1})
async def fix(issue):
    try:
        answer = await ask_first(issue)
    except Busy:
        answer = await ask_second(issue)
    return answer["text"]


async def work(number):
    async with log.job(f"job-{number}", ai_agent=True):
        print(await fix(f"issue {number}"))


async def main():
    await asyncio.gather(*(work(number) for number in range(1, 4)))


with log:
    asyncio.run(main())
