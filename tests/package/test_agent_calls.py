"""The agent's protocol, and where and when a request runs."""

import contextlib
import json
import os
import threading

from helpers import wait_for, write
from live import ask, raw


# ---- the protocol


def test_requests_and_their_errors(live, program):
    with raw(live, program) as end:
        end.line()
        assert end.call("hello")["result"]["pid"] == program.process.pid
        assert end.call("nothing")["error"]["code"] == -32601
        assert end.call("status", wrong=1)["error"]["code"] == -32602
        assert end.call("update", paths=["relative.py"])["error"]["code"] == -32602
        end.send(b'{"jsonrpc": "2.0", "id": 1, "method": 5}\n')
        assert end.line()["error"]["code"] == -32600
        end.send(b'{"jsonrpc": "2.0", \n')
        assert end.line()["error"]["code"] == -32700


def test_a_batch_and_a_notification(live, program):
    with raw(live, program) as end:
        end.line()
        call = {"jsonrpc": "2.0", "method": "status", "params": {"modules": False}}
        end.send(json.dumps([{**call, "id": 1}, call, {**call, "id": 2}]).encode() + b"\n")
        assert [answer["id"] for answer in end.line()] == [1, 2]
        end.send(json.dumps(call).encode() + b"\n")
        assert end.call("history")["result"]["updates"] == []


def test_who_sends_garbage_is_let_go(live, program):
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\x00\x01\x02\n", b"\xff\xfe\n", b'"text"\n', b"{" * (9 << 20)):
        with raw(live, program) as end:
            end.line()
            end.send(data)
            assert end.line()["error"]["code"] == -32600
            assert end.line() is None
    with raw(live, program) as end:
        end.line()
        end.send(b"{]\n" * 50)
        answers = 0
        while end.line() is not None:
            answers += 1
        assert answers == 8
    assert ask(program, "lib.answer()") == "1"


def test_too_many_clients_are_told(live, program):
    ends = [raw(live, program) for _ in range(40)]
    first = [end.line() for end in ends]
    assert sum(message["method"] == "hello" for message in first if "method" in message) == 32
    assert all("too many" in message["error"]["message"] for message in first if "error" in message)
    for end in ends:
        end.__exit__()
    wait_for(lambda: live.command("status", program.process.pid)[0] == 0)


def test_a_client_that_ends_its_side_gets_its_answer(live, program):
    with raw(live, program) as end:
        end.line()
        end.send(b'{"jsonrpc": "2.0", "id": 1, "method": "hello"}\n')
        end.socket.shutdown(1)
        assert end.line()["id"] == 1
        assert end.line() is None


def test_events(live, program):
    with raw(live, program) as end:
        end.line()
        assert end.call("listen")["result"] == {"listening": True}
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        assert live.json("update", program.process.pid)["outcome"] == "committed"
        event = end.line()
    assert event["method"] == "update" and event["params"]["changed"][0]["name"] == "answer"


def test_two_controllers_at_once(live, program):
    write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
    results = []

    def control():
        results.append(live.json("update", program.process.pid)["outcome"])

    threads = [threading.Thread(target=control) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["committed", "skipped", "skipped", "skipped"]


# ---- where and when


def test_by_default_any_thread_but_the_engines(live, program):
    write(live.folder, {"lib.py": "import ctypes, os\nTHREAD = open(f'/proc/self/task/{__import__(\"threading\").get_native_id()}/comm').read()\n"})
    assert live.json("update", program.process.pid)["outcome"] == "committed"     # the main thread waits in a read
    assert ask(program, "lib.THREAD.strip()") == "midflight-ask"


def test_on_the_main_thread_where_the_program_says_so(live):
    write(live.folder, {"pyproject.toml": "[tool.midflight]\nsafepoint = 'main-thread'\n", "app.py": """
        import sys, threading
        import lib
        print("ready", flush=True)
        while not hasattr(lib, "THREAD"):
            pass
        print(lib.THREAD is threading.main_thread(), flush=True)
        sys.stdin.readline()
        """})
    with live.program() as program:
        program.lines_until("ready")
        write(live.folder, {"lib.py": "import threading\nTHREAD = threading.current_thread()\n"})
        assert live.json("update", program.process.pid)["outcome"] == "committed"
        program.lines_until("True")
        # now it blocks: what only looks is answered, what changes is not begun
        assert live.json("status", program.process.pid)["processes"][0]["running"] == 1
        write(live.folder, {"lib.py": "import threading\nTHREAD = 5\n"})
        code, _, err = live.command("update", program.process.pid, "--timeout", 1.5)
        assert code == 5 and "nothing was done" in err and "main thread" in err
        assert program.end("\n")[0] == 0


def test_in_poll_where_the_program_says_so(live):
    write(live.folder, {"pyproject.toml": "[tool.midflight]\nsafepoint = 'poll'\n", "app.py": """
        import sys
        import midflight
        import lib
        print("ready", flush=True)
        for line in sys.stdin:
            while lib.answer() == 1:
                midflight.poll()
            print(lib.answer(), flush=True)
        """})
    with live.program() as program:
        program.lines_until("ready")
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        code, _, err = live.command("update", program.process.pid, "--timeout", 1.5)
        assert code == 5 and "nothing was done" in err
        program.process.stdin.write("\n")
        program.process.stdin.flush()
        assert live.json("update", program.process.pid)["outcome"] == "committed"
        assert program.line() == "2"


def test_a_process_in_c_code_is_named(live):
    write(live.folder, {"app.py": """
        import ctypes
        import lib
        ctypes.PyDLL(None).system(b"echo ready; head -c1 >/dev/null")        # with the GIL
        """})
    with live.program() as program:
        program.lines_until("ready")
        code, _, err = live.command("status", program.process.pid, "--timeout", 1.5)
        assert code == 5 and "holds the GIL" in err
        for _ in range(5):                   # the threads that wait for it do not pile up
            assert live.command("update", program.process.pid, "--timeout", 1.2)[0] == 5
        assert len(os.listdir(f"/proc/{program.process.pid}/task")) <= 6
        code, out, _ = live.command("status")
        assert code == 0 and str(program.process.pid) in out


def test_a_stopped_process_is_named(live, program):
    os.kill(program.process.pid, 19)
    code, _, err = live.command("status", program.process.pid)
    assert code == 5 and "stopped" in err
    os.kill(program.process.pid, 18)
    assert live.command("status", program.process.pid)[0] == 0


def test_who_leaves_before_it_began_has_asked_for_nothing(live):
    write(live.folder, {"app.py": """
        import ctypes, sys
        import lib
        ctypes.PyDLL(None).system(b"echo ready; head -c1 >/dev/null")        # with the GIL
        print(lib.answer(), flush=True)
        sys.stdin.readline()
        """})
    with live.program() as program:
        program.lines_until("ready")
        write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
        with raw(live, program) as end:
            end.line()
            end.send(b'{"jsonrpc": "2.0", "id": 1, "method": "update"}\n')
            assert end.line()["method"] == "progress"
        wait_for(lambda: live.command("status")[0] == 0)          # served again: it has seen us go
        program.process.stdin.write("\n")
        program.process.stdin.flush()
        assert program.line() == "1"
        assert live.json("status", program.process.pid)["processes"][0]["running"] == 0


HOLDS_THE_GIL = """
    import ctypes, sys
    ctypes.PyDLL(None).system(b"echo ready; head -c1 >/dev/null")
    sys.stdin.readline()
    """


def is_answered(end, program):
    """It has asked for the status, and hears of progress; when the program lets the GIL go, it has its answer."""
    assert end.line()["method"] == "progress"
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    assert end.answer()["result"]["pid"] == program.process.pid


def test_who_leaves_before_it_began_leaves_the_way_free(live):
    """Nobody connects and nothing ends after that: who waits for its turn has it all the same."""
    write(live.folder, {"app.py": HOLDS_THE_GIL})
    with live.program() as program:
        program.lines_until("ready")
        with raw(live, program) as honest:
            honest.line()
            with raw(live, program) as other:
                other.line()
                other.ask("status")
                assert other.line()["method"] == "progress"
                honest.ask("status")
                wait_for(honest.is_read)
            is_answered(honest, program)


def test_those_that_left_before_they_began_do_not_count(live):
    """However many there were, and however few have had the interpreter since."""
    write(live.folder, {"app.py": HOLDS_THE_GIL})
    with live.program() as program:
        program.lines_until("ready")
        for _ in range(10):
            with raw(live, program) as other:
                other.line()
                other.ask("status")
                assert other.line()["method"] == "progress"
        assert len(os.listdir(f"/proc/{program.process.pid}/task")) <= 3
        with raw(live, program) as honest:
            honest.line()
            honest.ask("status")
            is_answered(honest, program)


def test_who_waits_for_a_safe_point_keeps_nobody_waiting_that_only_looks(live):
    """And those that wait come in turn; one that leaves meanwhile has asked for nothing."""
    write(live.folder, {"pyproject.toml": "[tool.midflight]\nsafepoint = 'poll'\n", "app.py": """
        import sys
        import midflight
        import lib
        print("ready", flush=True)
        for line in sys.stdin:
            midflight.poll()
            print(lib.answer(), flush=True)
        """})
    with live.program() as program, contextlib.ExitStack() as ends:
        program.lines_until("ready")
        first, leaves, second, looks = [ends.enter_context(raw(live, program)) for _ in range(4)]
        assert all(end.line()["method"] == "hello" for end in (first, leaves, second, looks))
        for number, end in enumerate((first, leaves, second), 2):
            end.ask("update", sources={"lib": f"def answer():\n    return {number}\n"})
            end.ask("status")                          # of the same client: after it
            assert "safe point" in end.line()["params"]["state"]
        assert looks.call("status")["result"]["running"] == 0
        leaves.__exit__()
        assert looks.call("status")["result"]["running"] == 0
        for end, number in ((first, 2), (second, 4)):
            assert ask(program, "") == str(number)
            assert end.answer()["result"]["outcome"] == "committed"
            assert end.answer()["result"]["running"] == number // 2
        assert looks.call("status")["result"]["running"] == 2


def test_threads_that_take_long_to_leave_block_no_request(live):
    """Each request has a thread of its own; what counts is who could not begin."""
    write(live.folder, {"app.py": """
        import sys, threading
        import lib, midflight
        kept, leave = threading.local(), threading.Event()
        class Slow:
            def __del__(self):
                leave.wait()
        midflight.on("update", lambda report: setattr(kept, "slow", Slow()))     # goes with the thread's state
        print("ready", flush=True)
        sys.stdin.readline()
        leave.set()
        print(lib.answer(), flush=True)
        """})
    with live.program(MIDFLIGHT_SAFEPOINT="any") as program:
        program.lines_until("ready")
        with raw(live, program) as end:
            end.line()
            for number in range(2, 9):
                write(live.folder, {"lib.py": f"def answer():\n    return {number}\n"})
                assert end.call("update")["result"]["outcome"] == "committed"
            assert end.call("status")["result"]["running"] == 7
        program.process.stdin.write("\n")
        program.process.stdin.flush()
        assert program.line() == "8"
