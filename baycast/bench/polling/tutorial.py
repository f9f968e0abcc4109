"""What a tutorial would serve: a FastAPI route that returns bytes rendered before, with a tag.

`python -m baycast.bench.polling.tutorial PORT PATH FILE`
"""

from __future__ import annotations

import sys
from hashlib import blake2b
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response


def application(path: str, body: bytes) -> FastAPI:
    """One route."""
    app = FastAPI()
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'

    @app.get(path)
    async def snapshot(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return Response(body, media_type="application/json", headers={"etag": tag})

    return app


def main() -> None:
    port, path, file = sys.argv[1:]
    app = application(path, Path(file).read_bytes())
    uvicorn.run(app, host="127.0.0.1", port=int(port), loop="uvloop", access_log=False, log_config=None)


if __name__ == "__main__":
    main()
