"""A choice in words: what is said where a network is chosen, where none is, and what to type next."""

from types import SimpleNamespace

import pytest

from harness.reports.words.next_command import file_of, with_seeds


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("harness run --dataset isic", "harness run --dataset isic --seeds 7"),
        ("harness run --seeds 3 --dataset isic", "harness run --dataset isic --seeds 7"),
        ("harness run --seeds=0,1,2 --methods 'a[b=1],c'", "harness run --methods 'a[b=1],c' --seeds 7"),
        ("harness run --methods 'unclosed", ""),
    ],
)
def test_a_run_of_more_seeds_is_the_run_that_there_was(command, again):
    assert with_seeds(command, 7) == again


@pytest.mark.parametrize(
    ("entry", "limits", "file"),
    [
        ("lt", {"bytes": 1e6}, "network.safetensors"),
        ("lt", {"macs": 1e6}, "network.onnx"),
        ("lt+int8", {"bytes": 1e6}, "network.onnx"),
    ],
)
def test_the_file_that_is_written_is_the_one_whose_bytes_were_limited(entry, limits, file):
    found = SimpleNamespace(wanted=SimpleNamespace(limits=limits))
    assert file_of(found, SimpleNamespace(entry=entry)) == file
