"""Who may change this process: signed releases, limits, the off switch.

Owns: the decision whether a hotfix is admitted. In: bytes of a release, settings. Out: a hotfix that says who signed it, or
Refused with a code. In force in mode "prod", where nothing else is taken; in mode "dev" a release is checked as soon as
there are keys to check it with.

The order is that of distrust: size and form of the envelope, signatures, and only then what has been signed: target,
validity, version. The highest version that was taken is in the journal, so nothing old comes back after a restart. What a
start in mode "prod" brings back is judged in the same way (kept.py): a journal says what was taken, not what may be.
"""

import dataclasses
import os
import time

from .. import api
from ..errors import MidflightError
from .fix import Hotfix
from .releases import Malformed, open_envelope, read_signed, seconds, stamp
from .signing import KeyProblem, public_keys, signers

OFF_FILE = "/etc/midflight/off"


class Refused(MidflightError):
    """A release, or a change, that is not admitted. `code` is its entry in the list of codes."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Admitted(Hotfix):
    """A hotfix out of a release."""

    release: dict = dataclasses.field(default_factory=dict)     # target, version, expires, permanent, probation
    signed_by: tuple = ()                                       # ids of keys; () in mode dev without keys
    envelope: str = ""                                          # the release as it came


def mode():
    return api.rules().settings["mode"]


def in_force():
    """Does this process take signed releases only?"""
    return mode() == "prod"


def switched_off():
    """Why nothing may be sent into this process, or None. Asked for every time: the files can come at any moment."""
    if not api.can_be_controlled():
        return "this midflight was built without control (-Dcontrol=false)"
    settings = api.rules().settings
    if not settings["control"]:
        return "it is switched off (control = false, or MIDFLIGHT_CONTROL=0)"
    files = [OFF_FILE]
    if api._journal is not None:
        files.append(os.path.join(api._journal.folder, "off"))
    for path in files:
        if os.path.lexists(path):
            return f"it is switched off by the file {path}"
    return None


def admit(release, again=False):
    """The hotfix of a release that this process may take. Refused for any other. again: it was taken by an earlier process, whose
    journal has it, and is judged once more, in all but its version."""
    settings = api.rules().settings
    try:
        text, signatures = open_envelope(release)
        by = _check_signatures(text, signatures, settings)
        found = read_signed(text)
    except Malformed as error:
        raise Refused("MF651", f"this is no release: {error}") from None
    except KeyProblem as error:
        raise Refused("MF657", str(error)) from None
    _check_target(found, settings)
    _check_time(found, settings)
    _check_base(found)
    if not again:
        _check_version(found)
    fix = found.hotfix
    return Admitted(form=fix.form, id=fix.id, text=fix.text, base=fix.base, digest=fix.digest, signed_by=tuple(sorted(by)),
                    envelope=bytes(release).decode(),
                    release={"target": found.target, "version": found.version, "expires": found.expires,
                             "permanent": found.permanent, "probation": found.probation})


def _check_signatures(text, signatures, settings):
    keys, threshold = public_keys(settings["keys"]), settings["threshold"]
    if not in_force() and not keys:
        return set()
    if not keys:
        raise Refused("MF658", "mode prod without keys: nothing can be taken; name public keys in the setting `keys`")
    if threshold > len(keys):
        raise Refused("MF658", f"threshold = {threshold} of {len(keys)} keys: no release can have so many signatures")
    if not signatures:
        raise Refused("MF650", f"not signed; {threshold} of {len(keys)} keys must sign it: midflight sign")
    by = signers(text, signatures, keys)
    if len(by) < threshold:
        raise Refused("MF652", f"{len(by)} good signatures of {len(keys)} keys that are known here, {threshold} are needed")
    return by


def _check_target(found, settings):
    name = settings["target"] or settings.get("name")
    if name is None and in_force():
        raise Refused("MF658", "mode prod without a target: say which program this is, in the setting `target`")
    if name is not None and found.target != name:
        raise Refused("MF653", f"this release is for {found.target}, this is {name}")


def _check_time(found, settings):
    now = time.time()
    if seconds(found.expires) <= now:
        raise Refused("MF654", f"this release was good until {found.expires}, it is {stamp(now)}")


def _check_base(found):
    if in_force() and not found.hotfix.base:
        raise Refused("MF656", "this release does not say which source it is for: midflight build --source FOLDER")


def _check_version(found):
    journal = api._journal
    if journal is None:
        if in_force():
            raise Refused("MF658", "mode prod without a journal: nobody would remember which releases were taken; set `journal`")
        return
    highest, digest = journal.highest_version(found.target)
    if found.version > highest:
        return
    fix = found.hotfix
    again = found.version == highest and fix.digest == digest and journal.state(fix.id) in ("current", "permanent")
    if not again or journal.number_of(fix.id) is not None or journal.was_loaded_with(fix.id):
        raise Refused("MF655", f"version {found.version} is not higher than {highest}, which {found.target} has taken already")


def has_limits():
    settings = api.rules().settings
    return bool(settings["max_pause_ms"]) or settings["max_instances"] is not None


def limits(report):
    """Why a hotfix whose dry run ended so must not be applied, as (code, text), or None."""
    settings, foreseen = api.rules().settings, report.foreseen
    if foreseen is None:                       # it changes nothing
        return None
    if settings["max_instances"] is not None and foreseen["instances"] > settings["max_instances"]:
        return "MF660", f"{foreseen['instances']} instances would be moved to another layout; max_instances = {settings['max_instances']}"
    if settings["max_pause_ms"] and foreseen["pause_ms"] > settings["max_pause_ms"]:
        return "MF659", (f"other threads would stand still for about {foreseen['pause_ms']:.2f} ms; "
                         f"max_pause_ms = {settings['max_pause_ms']}")
    return None
