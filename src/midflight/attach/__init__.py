"""Reaching processes from outside.

Owns: nothing itself; its parts:

    places.py       where agents have their sockets; the agent asks it too
    client.py       finds a socket, talks to the agent behind it
    trees.py        one command for a process and its workers
    doors.py        a way into a process that has no agent

Imported part by part: a process with an agent needs the first one only.
"""
