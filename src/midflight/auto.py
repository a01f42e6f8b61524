"""`import midflight.auto`: this process can be reached from now on.

Owns: nothing. Out: midflight started, the agent's socket open; no file is watched. In the program's first lines it
knows the baselines of all that follows.
"""

from . import agent, api

api.start()
agent.start()
