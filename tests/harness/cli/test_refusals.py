"""Bad input from a command line to its one sentence: exit code 2, 4 or 5, before anything is trained or written."""

import errno
import fcntl
import os
import pwd
import signal
import sys

import pytest

from harness.cli.main import main

LONG = "a" * 5000
TINY = [
    "--dataset",
    "isic-sim",
    "--network",
    "small-cnn",
    "--weights",
    "kaiming",
    "--methods",
    "magnitude",
    "--jobs",
    "1",
]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Return a function that gives a command in an empty folder: exit code, and what stands on stderr."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.delenv("HARNESS_STORE", raising=False)
    monkeypatch.delenv("HARNESS_STORAGE", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, capsys.readouterr().err

    return call


@pytest.mark.parametrize("verb", ["run", "tune"])
@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--tracking-uri", "nonsense"], 2, "--tracking-uri is neither a server nor a database"),
        (["--tracking-uri", ""], 2, "--tracking-uri is neither"),
        (["--tracking-uri", "./mlruns"], 2, "--tracking-uri is neither"),
        (["--tracking-uri", "ftp://host/x"], 2, "--tracking-uri is neither"),
        (["--tracking-uri", "http://[::1/"], 2, "--tracking-uri is not a server's address"),
        (["--tracking-uri", "http://"], 2, "--tracking-uri is not a server's address"),
        (["--tracking-uri", "http://host:99999"], 2, "--tracking-uri is not a server's address"),
        (["--tracking-uri", "https://ho st/"], 2, "--tracking-uri is not a server's address"),
        (["--tracking-uri", "mssql+pyodbc://me:s3cret@host/x"], 5, "the driver of mssql+pyodbc databases"),
        (["--tracking-uri", "postgresql+nope://me:s3cret@host/x"], 2, "--tracking-uri is not the address"),
        (["--tracking-uri", "sqlite:/x.db"], 2, "--tracking-uri is neither"),
        (["--set", "training.device=cuda"], 5, "torch finds no CUDA device"),
        (["--store", LONG], 5, "File name too long"),
        (["--store", f"{LONG}/{LONG}"], 5, "File name too long"),
        (["--store", "file"], 2, "is not a folder"),
        (["--store", "file/below"], 2, "is not a folder"),
        (["--weights", LONG], 5, "File name too long"),
        (["--config", LONG], 2, "File name too long"),
        (["--dataset", "isic", "--data-dir", LONG], 5, "File name too long"),
        (["--densities", "2"], 2, "densities.0: should be less than or equal to 1"),
        (["--methods", "snip[images=x]"], 2, "images: "),
        (["--network", "linear-probe"], 2, "unknown network 'linear-probe'"),
        (["--jobs", "1025"], 2, "1024"),
        (["--preset", LONG], 2, "unknown preset"),
    ],
)
def test_a_wrong_place_or_value_is_refused_in_a_dry_run(command, tmp_path, monkeypatch, verb, arguments, code, text):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    (tmp_path / "file").write_text("")
    found, said = command(verb, "--dry-run", *TINY, *arguments)
    assert (found, text in said.replace("\n", " ")) == (code, True), said
    assert "s3cret" not in said
    assert "Traceback" not in said
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--output", "."], 5, "Is a directory"),
        (["--output", "foreign.toml"], 2, "was not written by `harness tune`"),
        (["--set", "tuning.study=a/b"], 2, "tuning.study: should be part of a file's name"),
        (["--set", 'tuning.study="a\\u0000b"'], 2, "tuning.study: should be part of a file's name"),
        (["--set", "tuning.study=" + 60 * "漢"], 2, "tuning.study: should be part of a file's name"),
        (["--set", "tuning.space.dense.learning_rate={low=1e-3,high=1e300,step=1e-9}"], 2, "too many to count"),
        (["--set", "tuning.space.dense.learning_rate={low=0,high=1,log=true}"], 2, "low > 0"),
    ],
)
def test_a_search_that_cannot_be_kept_or_counted_is_refused_in_a_dry_run(command, tmp_path, arguments, code, text):
    (tmp_path / "foreign.toml").write_text("mine = 1\n")
    found, said = command("tune", "--dry-run", *TINY, *arguments)
    assert (found, text in said) == (code, True), said


@pytest.mark.parametrize("option", ["--config", "--params"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("x = " + 5001 * "9", "thousands of digits"),
        ("x = " + 3000 * "[" + 3000 * "]", "nested too deep"),
        ("x = '" + 1_000_000 * "a" + "'", "larger than 1,000,000 bytes"),
        ("x = \udcff", "is not TOML"),
        ("x", "is not TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_whatever_it_is_for(command, tmp_path, option, content, text):
    (tmp_path / "own.toml").write_text(content, "utf-8", "surrogateescape")
    code, said = command("run", "--dry-run", *TINY, option, "own.toml")
    assert (code, text in said) == (2, True), said


def test_a_device_without_an_end_is_no_file(command):
    for option in ("--config", "--params"):
        code, said = command("run", "--dry-run", *TINY, option, "/dev/zero")
        assert (code, "larger than" in said) == (2, True)


def test_a_byte_order_mark_is_read_over(command, tmp_path):
    (tmp_path / "own.toml").write_text("\ufeffseeds = 2\n", "utf-8")
    assert command("run", "--dry-run", *TINY, "--config", "own.toml") == (0, "")


@pytest.mark.parametrize("size", [400 * "9" + "GB", "-1GB", "nan", "٣GB"])
def test_a_size_that_is_none_is_refused(command, tmp_path, size):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "FORMAT").write_text("1")
    code, said = command("store", "--store", "store", "--shrink-to", size)
    assert (code, "cannot read the size" in said) == (2, True)


@pytest.mark.parametrize(
    ("storage", "code"),
    [
        *(("any text", 2), ("", 2), ("http://host/x", 2), ("sqlite:/x", 2), ("redis://h/1", 2)),
        *(("mssql+pyodbc://u:s3cret@h/x", 5), ("postgresql://h:port/x", 2)),
    ],
)
def test_a_database_of_studies_that_is_none_is_refused_in_a_dry_run(command, storage, code):
    for verb in (["tune"], ["run", "--tune", "2"]):
        found, said = command(*verb, "--dry-run", *TINY, "--storage", storage)
        assert (found, "--storage" in said, "s3cret" in said) == (code, True, False), said


def test_a_run_without_tuning_takes_no_database_of_studies_but_may_find_one_in_the_environment(command, monkeypatch):
    code, said = command("run", "--dry-run", *TINY, "--storage", "sqlite:///studies.db")
    assert (code, "add --tune N" in said) == (2, True)
    for storage in ("sqlite:///studies.db", "none of this run's affair"):
        monkeypatch.setenv("HARNESS_STORAGE", storage)
        assert command("run", "--dry-run", *TINY) == (0, "")
    assert command("run", "--dry-run", "--tune", "2", *TINY)[0] == 2


def test_a_name_that_is_no_text_is_shown_as_its_bytes(command, capsys):
    for arguments in (["run", "--dry-run", *TINY, "--store", "here\udcff"], ["store", "--store", "\udcff"]):
        code, said = command(*arguments)
        assert (code, "\\udcff" in said) == (2, True)


def test_a_server_that_is_down_is_no_wrong_address(command):
    assert command("run", "--dry-run", *TINY, "--tracking-uri", "http://[::1]:9/") == (0, "")


def test_a_report_from_a_wrong_address_is_refused(command):
    for verb in (["report"], ["publish", "site"]):
        code, said = command(*verb, "--tracking-uri", "http://[::1/")
        assert (code, "--tracking-uri is not a server's address" in said) == (2, True)


@pytest.mark.parametrize("arguments", [["NOPE", "--list"], ["lt", "--list"], ["--only", "NOPE", "--list"]])
def test_a_list_of_checks_takes_no_method_and_no_unknown_check(command, arguments):
    assert command("check", *arguments)[0] == 2


def test_notes_are_written_in_toml(command, tmp_path):
    own = 'methods = ["random", { name = "random", scope = "layer" }]\n[parameters]\nrecalibrate = true\n'
    (tmp_path / "own.toml").write_text(own)
    code, said = command("run", "--dry-run", *TINY[:6], "--config", "own.toml")
    assert code == 0
    assert 'note: { name = "random", scope = "layer" }: random' in said
    code, said = command("run", "--dry-run", *TINY, "--set", "parameters.recalibrate=3")
    assert (code, "parameters.recalibrate = 3: " in said) == (2, True)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ('{ name = "snip", images = true }', "images: should be a number, not true"),
        ('{ name = "snip", recalibrate = 1 }', "recalibrate: should be true or false, not 1"),
    ],
)
def test_a_parameter_in_a_table_has_its_own_type(command, tmp_path, table, text):
    (tmp_path / "own.toml").write_text(f"methods = [{table}]\n")
    code, said = command("run", "--dry-run", *TINY[:6], "--config", "own.toml")
    assert (code, text in said) == (2, True), said


@pytest.fixture
def homeless(monkeypatch):
    """A user of a container: no HOME, and no entry among the users."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "USER", "LOGNAME", "HARNESS_DATA", "XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_user_without_a_home_can_use_simulated_data_and_hears_what_else_needs(command, homeless, tmp_path):
    assert command("run", "--dry-run", *TINY)[0] == 0
    code, said = command("run", "--dry-run", *TINY, "--dataset", "isic")
    assert (code, "no home folder" in said, "--data-dir" in said) == (5, True, True)
    code, said = command("run", "--dry-run", *TINY, "--network", "alexnet", "--weights", "imagenet")
    assert (code, "no home folder" in said, "TORCH_HOME" in said) == (5, True, True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_without_locks_is_named(command, monkeypatch, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    code, said = command("run", *TINY, "--store", "here")
    assert code == 5
    assert os.strerror(number) in said
    assert "folder" in said
    assert "Traceback" not in said


def test_what_the_system_refuses_anywhere_is_a_sentence(command, monkeypatch):
    def refused(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO), LONG)

    monkeypatch.setattr("harness.cli.list.listing", refused)
    code, said = command("list")
    assert (code, "Input/output error" in said, len(said) < 500) == (5, True, True)
