"""The commands about releases: their options and their help. What they do is in build.py, sign.py and verify.py."""

RELEASE_COMMANDS = ("build", "sign", "verify")

_BUILD = """\
Make a release out of a fix: a patch, a Python script, or edited modules, with all that has to
be signed about it. The result is one file; look at it, have it signed, send it.

  midflight build fix.patch --source src --target shop --version 12 --expires 7d -o fix.release
  midflight sign fix.release --key alice.key
  midflight verify fix.release --key keys/alice.pub --target shop
  midflight hotfix shop fix.release
"""
_BUILD_END = """\
--source is the folder that the program imports from, with the very files that it runs: their hashes
go into the release, and a process that runs anything else rejects it. --version must be higher than
that of every release the target has taken; the date will do: --version 2030013101.

exit code: 0 written; 2 wrong call; 3 the fix does not fit the source
"""
_SIGN = """\
Add a signature to a release; it is written back into the same file. Read what you sign first:
`midflight verify FILE` shows it. Each of several people signs with a key of their own.

  midflight sign --new-key alice.key         makes alice.key (secret, mode 600) and alice.key.pub
  midflight sign fix.release --key alice.key

The public key goes into the settings of the program that is to trust it: keys = ["keys/alice.key.pub"].
A secret key that others can read is not used. MIDFLIGHT_PASSPHRASE: the passphrase of keys that have one.

exit code: 0 signed; 2 wrong call, or no such key; 3 this is no release
"""
_VERIFY = """\
Show what a release would do and who has signed it.

  midflight verify fix.release --key keys/alice.pub --key keys/bob.pub --threshold 2 --target shop

Without --key the signatures are listed, not checked. The version can only be judged by the process
that it is sent to, which remembers what it has taken.

exit code: 0 good; 2 wrong call; 3 not signed by enough keys, expired, for another target, or no release
"""


def add_release_commands(add):
    build = add("build", "make a release out of a fix", _BUILD, epilog=_BUILD_END)
    build.add_argument("fix", metavar="FIX", help="a patch, a script, or a JSON object of module -> source")
    build.add_argument("--target", metavar="NAME", required=True, help="the program that it is for: its setting `target`")
    build.add_argument("--version", type=int, metavar="N", required=True, help="a whole number, higher than the last one")
    build.add_argument("--expires", metavar="WHEN", required=True, help="90m, 12h, 7d, or 2030-01-31T12:00:00Z")
    build.add_argument("--source", action="append", default=[], metavar="FOLDER",
                       help="what the program imports from (repeatable)")
    build.add_argument("--permanent", action="store_true", help="every start of the program has it from then on")
    build.add_argument("--probation", type=float, metavar="SECONDS",
                       help="taken back by itself unless it is confirmed within this time")
    build.add_argument("--id", metavar="ID", help="its name in reports and journals; default: from its hash")
    build.add_argument("-o", "--output", metavar="FILE", help="default: FIX with the suffix .release")

    sign = add("sign", "sign a release, or make a key", _SIGN)
    sign.add_argument("release", metavar="FILE", nargs="?", help="a release that `midflight build` has made")
    sign.add_argument("--key", metavar="FILE", help="your secret key")
    sign.add_argument("--new-key", metavar="FILE", help="make a pair of keys: FILE and FILE.pub")
    sign.add_argument("--comment", metavar="TEXT", default="", help="with --new-key: whose it is")

    verify = add("verify", "show a release and check its signatures", _VERIFY)
    verify.add_argument("release", metavar="FILE")
    verify.add_argument("--key", action="append", default=[], metavar="FILE", help="a public key that is trusted (repeatable)")
    verify.add_argument("--threshold", type=int, default=1, metavar="N", help="how many of them must have signed (1)")
    verify.add_argument("--target", metavar="NAME", help="the program that it must be for")
    verify.add_argument("--json", action="store_true", help="the answer as one JSON object")
