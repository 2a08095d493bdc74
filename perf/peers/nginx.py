"""Which requests may be asked, as a configuration of nginx that filters as a reverse proxy; and that of the server behind it.

nginx's documentation: a prefix `location` with `^~` ends the search (ngx_http_core_module), so none has to try regular expressions;
kept connections to the server behind (`keepalive` in ngx_http_upstream_module, with `proxy_http_version 1.1` and an empty `Connection`), no
access log. One worker process, as Drywall has one worker.
"""

from __future__ import annotations

from pathlib import Path

_HEAD = """\
daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log {folder}/{name}.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  types_hash_max_size 2048;
"""


def server(folder: Path, address: str, port: int, bytes_of_answer: int) -> str:
    """Answers whatever it is asked."""
    return (_HEAD.format(folder=folder, name="server") +
            f"  server {{\n    listen {address}:{port} backlog=4096;\n    location / {{ return 200 '{'x' * bytes_of_answer}'; }}\n  }}\n}}\n")


def proxy(folder: Path, address: str, port: int, behind: str, paths: list[str]) -> str:
    """GET of what is below one of the paths goes on; nothing else does."""
    allowed = "".join(f"    location ^~ {path}/ {{ proxy_pass http://behind; }}\n" for path in paths)
    return (_HEAD.format(folder=folder, name="proxy") +
            "  proxy_http_version 1.1;\n  proxy_set_header Connection '';\n"
            f"  upstream behind {{ server {behind}:{port}; keepalive 256; keepalive_requests 1000000000; }}\n"
            f"  server {{\n    listen {address}:{port} backlog=4096;\n"
            "    if ($request_method != GET) { return 403; }\n"
            f"{allowed}    location / {{ return 403; }}\n  }}\n}}\n")
