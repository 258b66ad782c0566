"""A small server on fastmcp, over Streamable HTTP at /mcp of PORT on loopback."""

from __future__ import annotations

import os

from fastmcp import Context, FastMCP

server = FastMCP("fastmcp")


@server.tool
async def get_sum(a: int, b: int, ctx: Context) -> dict[str, int]:
    """Adds two numbers, slowly enough to tell."""
    for step in (1, 2, 3):
        await ctx.report_progress(step, 3)
    return {"sum": a + b}


@server.tool
def delete_everything() -> str:
    """Must never be reached by somebody who may only read."""
    return "gone"


@server.resource("data://words")
def words() -> str:
    """A resource."""
    return "some words"


@server.prompt
def greet(name: str) -> str:
    """A prompt."""
    return f"Greet {name}."


if __name__ == "__main__":
    server.run(transport="http", host="127.0.0.1", port=int(os.environ["PORT"]), path="/mcp", show_banner=False)
