#!/usr/bin/python3
"""notified.py PATH: as systemd does it, listens there for datagrams, and prints each with the pid that sends it."""
import socket
import struct
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
listener.bind(sys.argv[1])
print("listening", flush=True)
while True:
    said, control, _, _ = listener.recvmsg(4096, socket.CMSG_SPACE(12))
    pid = struct.unpack("3i", control[0][2])[0]
    print(pid, said.decode(), flush=True)
