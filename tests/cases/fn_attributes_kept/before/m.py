def command(name, level=1):
    def decorate(fn):
        def run(*args):
            run.calls += 1
            return fn(*args)

        run.calls = 0
        run.name = name
        run.level = level
        run.options = {"level": level}
        run.parts = []
        run.part = lambda part: run.parts.append(part) or part
        return run

    return decorate


@command("go")
def go(x=1):
    return x


@go.part
def step():
    return "step"


class Shell:
    @command("say")
    def say(self, text="hi"):
        return text


def loop():
    return 1


loop.again = loop
loop.others = [loop]
