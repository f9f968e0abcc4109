"""The nginx configuration that we ship, run by a real nginx before a port of ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import eventually

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx" / "baycast.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx_before(api_port: int, folder: Path) -> Iterator[int]:
    """The port of an nginx before the API, for the time of the block; its files are in `folder`."""
    assert NGINX is not None
    port = free_port()
    shipped = SHIPPED.read_text(encoding="utf-8")
    for there, here in (
        ("/var/cache/nginx/baycast", f"{folder}/cache"),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{api_port};"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
    ):
        assert len(re.findall(re.escape(there), shipped)) == 1, there
        shipped = shipped.replace(there, here)
    places = "\n".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + f"events {{ worker_connections 256; }}\nhttp {{ access_log off;\n{places}\n{shipped} }}\n"
    )
    command = [NGINX, "-p", str(folder), "-c", str(whole)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        eventually(lambda: (folder / "pid").exists() or process.poll() is not None)
        assert process.poll() is None, (folder / "output").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(10)
