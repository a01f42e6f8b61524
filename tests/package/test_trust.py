"""Every way into a process that must be shut: each release below is refused, with its code, and nothing is changed."""

import json
import os
import time

import pytest
from midflight import api, journal
from midflight.errors import ConfigurationError
from midflight.hotfix import Hotfix, releases as release, trust
from midflight.report import Report
from midflight.rules import Rules
from releases import again, body, keys, signed


class Settings:
    """Rules in force, without an engine that is started."""

    def __init__(self, **settings):
        self.settings = {**Rules({}, "/nowhere/app.py").settings, **settings}


@pytest.fixture
def prod(tmp_path, monkeypatch):
    """A process in mode prod that trusts alice, bob and carol; set(...) changes its settings."""
    public = keys(tmp_path, "alice", "bob", "carol", "mallory")
    settings = Settings(mode="prod", target="shop", keys=public[:3], threshold=1)
    monkeypatch.setattr(api, "_rules", settings)
    monkeypatch.setattr(api, "_journal", journal.open(tmp_path / "journal"))
    monkeypatch.setattr(trust, "OFF_FILE", str(tmp_path / "off"))
    settings.folder = tmp_path
    settings.set = settings.settings.update
    return settings


def refused(code, data):
    with pytest.raises(trust.Refused) as caught:
        trust.admit(data)
    assert caught.value.code == code, caught.value
    return str(caught.value)


def take(prod, text, *names, number=1):
    """Admitted, and live from now on."""
    fix = trust.admit(signed(text, *(prod.folder / name for name in names)))
    token = api._journal.begin(fix, permanent=True)
    api._journal.end(token, Report({"outcome": "committed", "number": number}))
    return fix


def test_a_good_one_is_admitted(prod):
    fix = trust.admit(signed(body(), prod.folder / "alice"))
    assert isinstance(fix, Hotfix) and fix.release["version"] == 1 and len(fix.signed_by) == 1


def test_unsigned(prod):
    assert "not signed" in refused("MF650", release.write(body(), []))


def test_signed_by_a_stranger(prod):
    refused("MF652", signed(body(), prod.folder / "mallory"))


def test_signed_text_changed(prod):
    data = signed(body(), prod.folder / "alice")
    refused("MF652", again(data, signed=json.loads(data)["signed"].replace("return 2", "return 3")))


def test_a_signature_of_something_else(prod):
    one, other = signed(body(), prod.folder / "alice"), signed(body(version=2), prod.folder / "alice")
    refused("MF652", again(one, signatures=json.loads(other)["signatures"]))


def test_a_signature_under_another_key_id(prod):
    data = json.loads(signed(body(), prod.folder / "mallory"))
    bob = json.loads(signed(body(), prod.folder / "bob"))["signatures"][0]["key"]
    data["signatures"][0]["key"] = bob
    refused("MF652", json.dumps(data).encode())


def test_a_text_signed_for_another_purpose(prod):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key((prod.folder / "alice").read_bytes(), None)
    id = json.loads(signed(body(), prod.folder / "alice"))["signatures"][0]["key"]
    refused("MF652", release.write(body(), [(id, key.sign(body().encode()))]))


def test_too_few_keys(prod):
    prod.set(threshold=2)
    refused("MF652", signed(body(), prod.folder / "alice"))
    refused("MF652", signed(body(), prod.folder / "alice", prod.folder / "mallory"))
    assert len(trust.admit(signed(body(), prod.folder / "alice", prod.folder / "carol")).signed_by) == 2


def test_a_key_that_signs_twice_counts_once(prod):
    prod.set(threshold=2)
    refused("MF652", signed(body(), prod.folder / "alice", prod.folder / "alice"))


def test_a_key_that_is_trusted_twice_counts_once(prod):
    prod.set(threshold=2, keys=[prod.settings["keys"][0]] * 2)
    assert "threshold = 2 of 1 keys" in refused("MF658", signed(body(), prod.folder / "alice", prod.folder / "alice"))


def test_a_bad_signature_beside_a_good_one_does_no_harm_and_no_good(prod):
    data = json.loads(signed(body(), prod.folder / "alice", prod.folder / "bob"))
    data["signatures"][0]["signature"] = data["signatures"][1]["signature"]
    assert len(trust.admit(json.dumps(data).encode()).signed_by) == 1
    prod.set(threshold=2)
    refused("MF652", json.dumps(data).encode())


def test_expired(prod):
    text = body(expires=release.stamp(time.time() - 1))
    assert "was good until" in refused("MF654", signed(text, prod.folder / "alice"))


def test_for_another_target(prod):
    assert "is for bank, this is shop" in refused("MF653", signed(body(target="bank"), prod.folder / "alice"))


def test_replayed_and_rolled_back(prod):
    take(prod, body(version=5), "alice")
    refused("MF655", signed(body(version=5), prod.folder / "alice"))
    refused("MF655", signed(body(version=4, id="other"), prod.folder / "alice"))
    api._journal.retire("two", "taken back")
    assert "not higher than 5" in refused("MF655", signed(body(version=5), prod.folder / "alice"))
    take(prod, body(version=6, id="six"), "bob")


def test_what_never_became_live_may_be_sent_again(prod):
    fix = trust.admit(signed(body(version=5), prod.folder / "alice"))
    api._journal.end(api._journal.begin(fix), Report({"outcome": "rejected"}))
    trust.admit(signed(body(version=5), prod.folder / "alice"))


def test_the_versions_are_remembered_over_a_restart(prod, monkeypatch):
    take(prod, body(version=5), "alice")
    monkeypatch.setattr(api, "_journal", journal.open(prod.folder / "journal"))
    refused("MF655", signed(body(version=4), prod.folder / "alice"))
    trust.admit(signed(body(version=5), prod.folder / "alice"))       # another worker of the same program takes it, too
    refused("MF655", signed(body(version=5, id="two", text="def price():\n    return 9\n"), prod.folder / "alice"))


def test_without_a_base(prod):
    refused("MF656", signed(body(base={}), prod.folder / "alice"))


@pytest.mark.parametrize("cut", [0, 1, 10, 200, 400, -1, -2, -40])
def test_truncated(prod, cut):
    data = signed(body(), prod.folder / "alice")
    if cut == -1:
        cut = len(data) - 2
    refused("MF651", data[:cut])


def test_huge(prod):
    data = signed(body(), prod.folder / "alice")
    assert "more than" in refused("MF651", data + b" " * release.LARGEST)
    many = json.loads(data)["signatures"] * 1000
    assert "1000 signatures" in refused("MF651", again(data, signatures=many))


HOSTILE = {
    "empty": b"", "null": b"null", "list": b"[]", "text": b'"release"', "binary": bytes(range(256)), "utf-16": "{}".encode("utf-16"),
    "deep list": b"[" * 100_000, "deep object": b'{"a":' * 100_000, "deep in place": b'{"midflight-release":' + b"[" * 100_000,
    "long number": b'{"midflight-release":' + b"1" * 10_000 + b"}", "nan": b'{"midflight-release": NaN, "signed": "", "signatures": []}',
    "true is not one": b'{"midflight-release": true, "signed": "", "signatures": []}',
    "another form": b'{"midflight-release": 2, "signed": "", "signatures": []}',
    "unknown": b'{"midflight-release": 1, "signed": "", "signatures": [], "x": 1}',
    "twice": b'{"midflight-release": 1, "signed": "", "signatures": [], "signed": ""}',
    "missing": b'{"midflight-release": 1, "signed": ""}', "null byte": b'{"midflight-release": 1,\0"signed": ""}',
    "surrogate": b'{"midflight-release": 1, "signed": "\\ud800", "signatures": [{"key": "%s", "signature": "%s=="}]}' % (b"0" * 32, b"A" * 86), "surrogate name": b'{"\\ud800": 1}',
    "signed no text": b'{"midflight-release": 1, "signed": {}, "signatures": []}',
    "signatures no list": b'{"midflight-release": 1, "signed": "", "signatures": {}}',
    "signature no object": b'{"midflight-release": 1, "signed": "", "signatures": [1]}',
    "signature of nothing": b'{"midflight-release": 1, "signed": "", "signatures": [{"key": "", "signature": ""}]}',
    "signature too short": json.dumps({"midflight-release": 1, "signed": "", "signatures": [{"key": "0" * 32, "signature": "AAAA"}]}).encode(),
    "signature no base64": json.dumps({"midflight-release": 1, "signed": "", "signatures": [{"key": "0" * 32, "signature": "?" * 88}]}).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_envelopes(prod, name):
    refused("MF651", HOSTILE[name])


def test_no_bytes(prod):
    refused("MF651", "text")
    refused("MF651", None)


def _changed(change):
    given = json.loads(body())
    change(given)
    return release.canonical(given)


HOSTILE_TEXTS = {
    "unknown": _changed(lambda given: given.update(root=True)),
    "unknown in the hotfix": _changed(lambda given: given["hotfix"].update(run="rm")),
    "missing": _changed(lambda given: given.pop("expires")),
    "twice": body()[:-1] + ',"target":"bank"}',
    "spaces": body().replace(",", ", "),
    "order": json.dumps(dict(reversed(list(json.loads(body()).items()))), separators=(",", ":"), ensure_ascii=False),
    "escapes": body().replace("shop", "\\u0073hop"),
    "no json": "target: shop",
    "target a list": _changed(lambda given: given.update(target=["shop"])),
    "target with a line": _changed(lambda given: given.update(target="shop\n")),
    "version 0": _changed(lambda given: given.update(version=0)),
    "version true": _changed(lambda given: given.update(version=True)),
    "version 1.0": _changed(lambda given: given.update(version=1.0)),
    "version text": _changed(lambda given: given.update(version="9")),
    "version too high": _changed(lambda given: given.update(version=2 ** 80)),
    "expires never": _changed(lambda given: given.update(expires=None)),
    "expires elsewhere": _changed(lambda given: given.update(expires="2030-01-31T12:00:00+02:00")),
    "expires no time": _changed(lambda given: given.update(expires="2030-02-31T12:00:00Z")),
    "permanent 1": _changed(lambda given: given.update(permanent=1)),
    "probation text": _changed(lambda given: given.update(probation="1")),
    "probation 0": _changed(lambda given: given.update(probation=0)),
    "form": _changed(lambda given: given["hotfix"].update(form="binary")),
    "id": _changed(lambda given: given["hotfix"].update(id="../../etc")),
    "base no hash": _changed(lambda given: given["hotfix"].update(base={"shop": "1"})),
    "base a list": _changed(lambda given: given["hotfix"].update(base=["shop"])),
    "text a number": _changed(lambda given: given["hotfix"].update(text=1)),
}


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_hostile_texts_even_with_a_good_signature(prod, name):
    refused("MF651", signed(HOSTILE_TEXTS[name], prod.folder / "alice"))


def test_what_is_signed_is_read_after_the_signatures(prod, monkeypatch):
    monkeypatch.setattr(trust, "read_signed", lambda text: pytest.fail("it was read"))
    refused("MF652", signed(body(), prod.folder / "mallory"))


def test_prod_that_is_not_set_up_takes_nothing(prod, monkeypatch):
    data = signed(body(), prod.folder / "alice")
    prod.set(keys=[])
    assert "without keys" in refused("MF658", data)
    prod.set(keys=[str(prod.folder / "alice.pub")], target=None)
    assert "without a target" in refused("MF658", data)
    prod.set(target="shop")
    monkeypatch.setattr(api, "_journal", None)
    assert "without a journal" in refused("MF658", data)


def test_key_files_that_are_none(prod):
    data = signed(body(), prod.folder / "alice")
    for text in ("", "# only words\n", "ssh-ed25519 AAAA\n", "midflight-key ed25519 AAAA\n", "midflight-key rsa " + "A" * 44 + "\n"):
        (prod.folder / "bad.pub").write_text(text)
        prod.set(keys=[str(prod.folder / "bad.pub")])
        refused("MF657", data)
    prod.set(keys=[str(prod.folder / "none.pub")])
    refused("MF657", data)
    (prod.folder / "alice.pub").chmod(0o666)
    prod.set(keys=[str(prod.folder / "alice.pub")])
    assert "can be written by others" in refused("MF657", data)


def test_keys_may_stand_in_the_settings(prod):
    prod.set(keys=[(prod.folder / "alice.pub").read_text().strip()])
    trust.admit(signed(body(), prod.folder / "alice"))


def test_dev_checks_as_soon_as_there_are_keys(prod, monkeypatch):
    prod.set(mode="dev", target=None, keys=[])
    monkeypatch.setattr(api, "_journal", None)
    assert trust.admit(release.write(body(base={}), [])).signed_by == ()
    prod.set(keys=[str(prod.folder / "alice.pub")])
    refused("MF650", release.write(body(), []))


def test_the_off_switches(prod, monkeypatch):
    assert trust.switched_off() is None
    (prod.folder / "journal" / "off").touch()
    assert "journal/off" in trust.switched_off()
    os.unlink(prod.folder / "journal" / "off")
    (prod.folder / "off").symlink_to("nowhere")
    assert str(prod.folder / "off") in trust.switched_off()
    os.unlink(prod.folder / "off")
    prod.set(control=False)
    assert "MIDFLIGHT_CONTROL=0" in trust.switched_off()
    prod.set(control=True)
    monkeypatch.setattr(api, "can_be_controlled", lambda: False)
    assert "-Dcontrol=false" in trust.switched_off()


def test_whoever_shuts_a_door_it_is_shut(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.midflight]\nmode = "prod"\ncontrol = false\nkeys = ["k.pub"]\ntarget = "shop"\n')
    monkeypatch.setenv("MIDFLIGHT_MODE", "dev")
    monkeypatch.setenv("MIDFLIGHT_CONTROL", "1")
    settings = Rules({"mode": "dev", "control": True, "roots": [str(tmp_path)]}, str(tmp_path / "app.py")).settings
    assert settings["mode"] == "prod" and settings["control"] is False and settings["keys"] == [str(tmp_path / "k.pub")]


@pytest.mark.parametrize("wrong", [{"mode": "test"}, {"target": "a b"}, {"threshold": 0}, {"threshold": True}, {"keys": [1]},
                                   {"max_pause_ms": -1}, {"max_instances": "many"}, {"control": 1}, {"audit": ""}])
def test_settings_that_are_not_allowed(wrong):
    with pytest.raises(ConfigurationError):
        Rules(wrong, "/nowhere/app.py")
