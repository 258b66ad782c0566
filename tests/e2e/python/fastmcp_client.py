"""The fastmcp client with its own callback server: signs in, lists, calls and reads.

Reads `{"url", "mode"}` as JSON on standard input; standard output is JSON: what it found.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client


async def visit(url: str, mode: str) -> dict[str, Any]:
    """One connection, from never having heard of the server."""
    async with Client(url, auth="oauth", mode=mode) as client:
        tools = [tool.name for tool in await client.list_tools()]
        called = await client.call_tool("test_simple_text", {})
        steps: list[float] = []

        async def heard(progress: float, total: float | None, message: str | None) -> None:
            steps.append(progress)

        await client.call_tool("test_tool_with_progress", {}, progress_handler=heard)
        prompt = await client.get_prompt("test_simple_prompt")
        read = await client.read_resource("test://static-text")
        return {
            "tools": tools,
            "called": called.content[0].text,
            "steps": steps,
            "prompt": prompt.messages[0].content.text,
            "read": read[0].text,
        }


if __name__ == "__main__":
    setting = json.load(sys.stdin)
    json.dump(asyncio.run(visit(setting["url"], setting["mode"])), sys.stdout)
