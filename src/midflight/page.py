"""A small page about this process: which code it runs, the timeline of its updates. Read-only.

Owns: the page, and the same as JSON and as Prometheus text. In: requests, as ASGI has them. Out: answers. `app` can be
mounted into the program's own application, or served alone (`uvicorn midflight.page:app`); whoever mounts it decides who
may see it: it shows paths and the names of definitions. Nothing can be changed through it, and it asks for no other
site, no script, no cookie.

    /               the page
    /status.json    what `midflight status --json` says
    /metrics        Prometheus text
"""

import html
import json
import os
import time

from . import api, hooks
from .agent import methods

_KEPT = 100
_outcomes = {"committed": 0, "skipped": 0, "rejected": 0, "rolled back": 0}
_pauses = [0, 0.0]                     # how many commits, how long the program stood still in all: seconds
_seen = []                             # (when or None, report), the last ones
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}code{font:13px ui-monospace,monospace}
.committed{color:#116329}.rejected,.rolled{color:#a40e26}.skipped,.quiet{color:#57606a}li{margin:.35rem 0}ol{padding-left:1.4rem}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}.committed{color:#56d364}
.rejected,.rolled{color:#ff7b72}.skipped,.quiet{color:#8b949e}}
"""


def _note(report):
    if report.dry_run:
        return
    _outcomes[report.outcome] = _outcomes.get(report.outcome, 0) + 1
    if report.outcome == "committed":
        _pauses[0] += 1
        _pauses[1] += report.pause_ms / 1000
    if report.outcome != "skipped":
        _seen.append((time.time(), report))
        del _seen[:-_KEPT]


def _begin():
    """What has happened before this room was imported has no time any more."""
    for report in api.history():
        _note(report)
    _seen[:] = [(None, report) for _, report in _seen]
    hooks.on("update", _note)


_begin()


async def app(scope, receive, send):
    """The ASGI application."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["type"] != "http":
        raise ValueError(f"midflight.page knows http only, not {scope['type']}")
    path = scope["path"].removeprefix(scope.get("root_path") or "")
    write = _ROUTES.get(path or "/")
    if scope["method"] not in ("GET", "HEAD"):
        status, kind, text = 405, "text/plain", "read-only\n"
    elif write is None:
        status, kind, text = 404, "text/plain", "there are: " + " ".join(_ROUTES) + "\n"
    else:
        status, (kind, text) = 200, write()
    body = text.encode()
    headers = [(b"content-type", f"{kind}; charset=utf-8".encode()), (b"content-length", str(len(body)).encode()),
               (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
               (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'")]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _status():
    return methods.status({})


def _json():
    timeline = [{"when": when, **report.to_dict()} for when, report in _seen]
    return "application/json", json.dumps({**_status(), "timeline": timeline}, default=repr)


# ---- the page


def _page():
    status = _status()
    code = status["code"]
    others = {name: one for name, one in code.items() if not one["same"]}
    state = f"runs update #{status['running']}" if status["running"] else "runs as it was started"
    parts = [
        f"<h1>{_text(status['name'] or 'python')} <span class=quiet>process {status['pid']}</span></h1>",
        f"<p>{_text(state)}{_text(', epoch ' + status['epoch']) if status['epoch'] else ''}; mode {_text(status['mode'])}; "
        f"{_text('watching (' + status['watching'] + ')' if status['watching'] else 'not watching')}.</p>",
    ]
    if not status["supported"]:
        parts.append(f"<p class=rejected>Updates are rejected: {_text(status['why'])}</p>")
    parts.append(f"<h2>Code</h2><p>{len(code) - len(others)} of {len(code)} modules run what their files say.</p>")
    if others:
        parts.append("<table><tr><th>module<th>runs<th>its file has<th>file</tr>" + "".join(
            f"<tr><td>{_text(name)}<td><code>{_hash(one['runs'])}</code><td><code>{_hash(one['file_has'])}</code><td>{_text(one['file'])}</tr>"
            for name, one in others.items()) + "</table>")
    if status["pending"]:
        parts.append("<h2>Pending</h2><ul>" + "".join(f"<li>{_text(path)}" for path in status["pending"]) + "</ul>")
    if status["stragglers"]:
        parts.append("<h2>Stragglers</h2><ul>" + "".join(f"<li>{_text(one['text'])}" for one in status["stragglers"]) + "</ul>")
    parts.append("<h2>Updates</h2>")
    parts.append("<ol reversed class=timeline>" + "".join(_entry(*seen) for seen in reversed(_seen)) + "</ol>" if _seen else "<p>None yet.</p>")
    title = f"midflight: {_text(status['name'] or 'python')}"
    return "text/html", (f"<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
                         f"<meta http-equiv=refresh content=10><title>{title}</title><style>{_STYLE}</style></head><body>"
                         + "\n".join(parts) + "</body></html>\n")


def _entry(when, report):
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when)) if when is not None else "earlier"
    label = ", ".join(entry.label for entry in report.changed[:12]) or "; ".join(reason.text for reason in report.reasons[:3])
    if len(report.changed) > 12:
        label += f", and {len(report.changed) - 12} more"
    files = ", ".join(os.path.basename(path) for path in report.files[:6])
    took = f"{report.timings.get('total', 0):.2f} ms, stood still {report.pause_ms:.2f} ms" if report.outcome == "committed" else ""
    fix = f"hotfix {report.hotfix} " if getattr(report, "hotfix", None) else ""
    return (f"<li value={report.number}><span class=quiet>{stamp}</span> <b class='{report.outcome}'>{report.outcome}</b> "
            f"{_text(fix)}{_text(files)} <code>{_text(label)}</code> <span class=quiet>{took}</span></li>")


def _hash(value):
    return _text(value[:12]) if value else "<span class=quiet>not known</span>"


def _text(value):
    return html.escape(str(value), quote=True)


# ---- Prometheus


def _metrics():
    from . import __version__

    status = _status()
    same = sum(one["same"] for one in status["code"].values())
    unknown = sum(one["runs"] is None for one in status["code"].values())
    rows = [
        ("midflight_info", "gauge", "What runs here.",
         [({"version": __version__, "name": status["name"] or "python", "mode": status["mode"], "epoch": status["epoch"] or ""}, 1)]),
        ("midflight_running_update", "gauge", "Number of the update that is live; 0: as started.", [({}, status["running"])]),
        ("midflight_updates_total", "counter", "Updates by how they ended.",
         [({"outcome": outcome.replace(" ", "_")}, count) for outcome, count in _outcomes.items()]),
        ("midflight_pause_seconds", "summary", "How long the program stood still at commits.", []),
        ("midflight_pending_files", "gauge", "Files that were rejected and wait for their next save.", [({}, len(status["pending"]))]),
        ("midflight_stragglers", "gauge", "Calls that still ran old code after the last update.", [({}, len(status["stragglers"]))]),
        ("midflight_modules", "gauge", "Modules by whether they run what their files have.",
         [({"text": "same"}, same), ({"text": "other"}, len(status["code"]) - same - unknown), ({"text": "unknown"}, unknown)]),
    ]
    out = []
    for name, kind, text, values in rows:
        out += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        out += [f"{name}{_labels(labels)} {value}" for labels, value in values]
        if kind == "summary":
            out += [f"{name}_sum {_pauses[1]:.9f}", f"{name}_count {_pauses[0]}"]
    return "text/plain; version=0.0.4", "\n".join(out) + "\n"


def _labels(labels):
    if not labels:
        return ""
    escaped = {name: str(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') for name, value in labels.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"


_ROUTES = {"/": _page, "/status.json": _json, "/metrics": _metrics}
