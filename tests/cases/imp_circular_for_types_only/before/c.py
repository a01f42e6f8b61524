from b import help_


class Context:
    def run(self):
        return help_()
