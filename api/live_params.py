"""What a listener of the live feed may ask for: in the query that opens a WebSocket, and in a message later."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.params import Listen, Places


class ListenBySocket(Listen):
    compress: Literal["0", "1"] = Field(
        "0", description="1: messages compressed (permessage-deflate), where the client offers it"
    )


class Subscribe(Places):
    """The message that puts another subscription in place of the one there is. Values are written as in a query."""

    type: Literal["subscribe"]
    id: str | None = Field(None, max_length=64, description="Comes back in the answer")
