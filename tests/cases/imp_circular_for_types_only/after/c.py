from b import Errors, help_


class Context:
    errors = Errors

    def run(self):
        return help_(), self.errors.depth
