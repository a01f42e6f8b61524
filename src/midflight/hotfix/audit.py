"""What is done to this process is told: to audit hooks, to a logger, to syslog or a file.

Owns: the form of these words. In: an event and its facts. Out: sys.audit("midflight.EVENT", JSON text), which a hook may
answer with an exception, and then it is not done; the logger `midflight.audit`; and where the setting `audit` says so,
"syslog" or a line of JSON in that file. Events: hotfix, confirm, retire (before);
done (with its outcome), refused, undo (after).
"""

import json
import os
import sys
import time

from .. import api


def tell(event, **facts):
    """Raises what an audit hook raises, and OSError where the setting's place cannot be written."""
    text = json.dumps({"event": event, "when": _now(), "process": os.getpid(), **facts}, ensure_ascii=False)
    sys.audit(f"midflight.{event}", text)
    logging = sys.modules.get("logging")
    if logging is not None and hasattr(logging, "getLogger"):
        logging.getLogger("midflight.audit").info("%s", text)
    place = api.rules().settings["audit"]
    if place == "syslog":
        import syslog

        syslog.syslog(syslog.LOG_AUTHPRIV if event == "refused" else syslog.LOG_DAEMON, f"midflight: {text}")
    elif place is not None:
        line = (text + "\n").encode()
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError(f"{place}: the disk is full")
        finally:
            os.close(descriptor)


def told(event, **facts):
    """The same of what has happened already: nobody can prevent it. What failed, in words, or None."""
    try:
        tell(event, **facts)
    except Exception as error:
        return f"audit: {event} {facts.get('id', '')} could not be told: {type(error).__name__}: {error}"
    return None


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
