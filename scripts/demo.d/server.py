#!/usr/bin/env python3
"""A TCP service of the demo: answers every line with its own name in front. usage: server.py NAME PORT"""

import socketserver
import sys


class Service(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(f"{sys.argv[1]}: {line.decode()}".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("0.0.0.0", int(sys.argv[2])), Service) as server:
    print("listening", flush=True)
    server.serve_forever()
