"""Whatever a third party's plugin does while it is imported or asked is told, and is no doing of this process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import plugin_process, plugins
from harness.errors import UsageError
from harness.plugin_process import ask, process_of

BROKEN = {
    "exits": "its process ended with exit code 0; it wrote: farewell",
    "leaves": "SystemExit: 0",
    "raises": "ImportError: no such library",
    "unspeakable": "Unspeakable, whose text raises ZeroDivisionError",
    "interrupts": "KeyboardInterrupt",
    "killed": "its process ended with signal 9",
    "crashes": "its process ended with signal 11",
    "child": "its process ended with exit code 3",
    "closes": "its process ended with exit code 1",
    "half": "its process ended with exit code 0",
}


def plugin(name):
    return plugins.available(plugins.PRUNERS)[f"at-import-{name}"]


def where():
    return os.getpid()


def listed(*items, **named):
    return [*items, *named.items()]


def gives(kind):
    return {"class": plugin_process.PluginProcess, "path": Path("x"), "deep": {"a": (1, 2.5, None, True)}}[kind]


def exits():
    os._exit(7)


def sleeps():
    time.sleep(600)


def state_of(process):
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return found.stdout.strip()[:1]


def is_running(process):
    return state_of(process) not in ("", "Z")


@pytest.mark.parametrize(("name", "reason"), BROKEN.items(), ids=BROKEN)
def test_a_plugin_that_cannot_be_imported_says_why_and_is_tried_once(at_import, tmp_path, name, reason):
    at_import.install(tmp_path, name)
    for _ in range(2):
        with pytest.raises(UsageError) as caught:
            ask(plugin(name), where)
        assert f"'at-import-{name}' of {at_import.module_of(name)} 1.0 cannot be imported from" in caught.value.message
        assert reason in caught.value.message
        assert at_import.module_of(name) in caught.value.fix
    ((process, leader),) = at_import.importers(tmp_path)
    assert process == leader != os.getpid()
    assert not is_running(process)


def test_one_that_hangs_costs_its_time_and_no_more(at_import, tmp_path, monkeypatch):
    monkeypatch.setattr(plugin_process, "LIMIT_S", 0.5)
    at_import.install(tmp_path, "hangs")
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(UsageError, match=r"cannot be imported .*: it took more than 0.5 s"):
            ask(plugin("hangs"), where)
    assert time.monotonic() - started < 10
    ((process, _),) = at_import.importers(tmp_path)
    assert not is_running(process)


def test_what_it_prints_is_not_ours(at_import, tmp_path, capfd):
    at_import.install(tmp_path, "prints", "loss-prints")
    for name in ("prints", "loss-prints"):
        assert ask(plugin(name), where) != os.getpid()
    assert capfd.readouterr() == ("", "")


def test_it_is_asked_in_one_process_which_stands_still_in_between_and_has_no_terminal(at_import, tmp_path):
    at_import.install(tmp_path, "thread")
    process = ask(plugin("thread"), where)
    assert process not in (os.getpid(), os.getppid())
    assert ask(plugin("thread"), listed, 1, "two", three=3) == [1, "two", ("three", 3)]
    if sys.platform == "linux":
        until = time.monotonic() + 10
        while state_of(process) != "T" and time.monotonic() < until:
            time.sleep(0.01)
        assert state_of(process) == "T"
    assert ask(plugin("thread"), os.getsid, 0) == process
    assert [pid for pid, _ in at_import.importers(tmp_path)] == [process]
    process_of(plugin("thread")).end()
    assert not is_running(process)


def test_answers_are_kept_so_that_they_outlive_it(at_import, tmp_path):
    at_import.install(tmp_path, "ignores")
    process = ask(plugin("ignores"), where)
    os.kill(process, signal.SIGKILL)
    assert ask(plugin("ignores"), where) == process
    for _ in range(2):
        with pytest.raises(UsageError, match=r"cannot be asked from .* ended with signal 9"):
            ask(plugin("ignores"), os.getsid, 0)
    assert ask(plugin("ignores"), where) == process


def test_no_plugin_can_write_into_the_line_of_another(at_import, tmp_path):
    at_import.install(tmp_path, "prints", "half")
    assert ask(plugin("prints"), where)
    with pytest.raises(UsageError, match="ended with exit code 0"):
        ask(plugin("half"), where)  # which writes into every socket that it has
    assert ask(plugin("prints"), os.getsid, 0)


def test_what_it_writes_into_its_own_line_is_refused(at_import, tmp_path):
    at_import.install(tmp_path, "babbles")
    with pytest.raises(UsageError, match=r"'at-import-babbles' of at_import_babbles 1\.0 cannot be asked"):
        ask(plugin("babbles"), where)


def test_a_question_that_ends_or_holds_it_is_told(at_import, tmp_path, monkeypatch):
    at_import.install(tmp_path, "prints", "ignores")
    with pytest.raises(UsageError, match=r"'at-import-prints' .* cannot be asked .* ended with exit code 7"):
        ask(plugin("prints"), exits)
    assert ask(plugin("ignores"), where)
    monkeypatch.setattr(plugin_process, "LIMIT_S", 0.5)
    with pytest.raises(UsageError, match=r"cannot be asked .* took more than 0.5 s"):
        ask(plugin("ignores"), sleeps)


def test_an_answer_is_plain_or_refused(at_import, tmp_path):
    at_import.install(tmp_path, "prints")
    assert ask(plugin("prints"), gives, "deep") == {"a": (1, 2.5, None, True)}
    assert ask(plugin("prints"), gives, "class") is plugin_process.PluginProcess
    with pytest.raises(UsageError, match=r"cannot be asked .* answers with a pathlib\.\w+"):
        ask(plugin("prints"), gives, "path")
    assert ask(plugin("prints"), listed) == []


def test_the_harness_s_own_are_asked_here(at_import):
    assert ask(plugins.available(plugins.PRUNERS)["lt"], where) == os.getpid()
