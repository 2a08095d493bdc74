#!/usr/bin/env python3
"""Connects, says a line, and prints the answer. usage: client.py ADDRESS PORT [SECONDS]
Exit code 0: answered; 1: refused; 2: nothing came back in time."""

import socket
import sys

address, port = sys.argv[1], int(sys.argv[2])
try:
    with socket.create_connection((address, port), timeout=float(sys.argv[3]) if len(sys.argv) > 3 else 2.0) as client:
        client.sendall(b"hello\n")
        answer = client.recv(1000).decode().strip()
except ConnectionRefusedError:
    sys.exit("refused")
except OSError:
    print("nothing came back", file=sys.stderr)
    sys.exit(2)
print(answer)
sys.exit(0 if answer else 2)
