"""The exceptions of the package.

Owns: what can be raised at a caller. A rejected update is no exception: `update` says it in its report; only calls that
promise to raise (`reload`) turn it into one. The engine raises EngineError by name and lets a before hook raise Veto.
"""


class MidflightError(Exception):
    """Base of everything that midflight raises itself."""


class EngineError(MidflightError, RuntimeError):
    """The engine found itself in a state that it does not allow: a bug of midflight, the program is untouched."""


class ConfigurationError(MidflightError, ValueError):
    """A setting is wrong. The text names where it stands, which one it is and what is allowed."""


class JournalError(MidflightError):
    """The journal cannot be read or written. `code` is its entry in the list of codes; the text names file and line."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Veto(MidflightError):
    """Raise it in `__before_update__` to reject the update; its text is the reason in the report."""


class UpdateRejected(MidflightError):
    """An update that had to succeed was not committed. `report` says why."""

    def __init__(self, report):
        super().__init__(report)
        self.report = report

    def __str__(self):
        reasons = [reason.where + reason.text for reason in self.report.reasons]
        return "; ".join(reasons) or f"update {self.report.number} was {self.report.outcome}"
