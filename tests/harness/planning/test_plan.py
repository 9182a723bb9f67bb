"""From a configuration to a plan: what presets ask for, and start weights without a network."""

import pytest
from rich.console import Console

from harness import cuda
from harness.cli.downloads import downloads
from harness.cuda import Devices
from harness.errors import DataError, UsageError
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import comparison
from harness.planning.planner import Flags, build_plan, variants
from harness.planning.presets import presets
from harness.progress import Reporter
from harness.storage.canonical import digest


@pytest.fixture
def plan_of(isic_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("HARNESS_OFFLINE", raising=False)

    def make(preset, **flags):
        return build_plan(load_configuration(preset, None, [], flags), Flags(preset, isic_folder, tmp_path / "never"))

    return make


@pytest.mark.parametrize("preset", presets())
def test_every_preset_gives_a_plan(plan_of, tmp_path, preset):
    plan, _ = plan_of(preset)
    assert [entry.text for entry in plan.entries[:2]] == ["dense", "probe"]
    assert plan.data.name == ("isic-sim" if preset == "smoke" else "isic")
    assert not (tmp_path / "never").exists()


def test_the_paper_preset_has_every_system_of_the_paper(plan_of):
    plan, _ = plan_of("paper")
    assert [entry.text for entry in plan.entries[2:]] == [
        "lt",
        "class-dependent-lt[scenario=blue]",
        "class-dependent-lt",
        "class-dependent-lt[scenario=green]",
        "l-obs",
        "snip",
        "snip-retrain",
        "mobilenet",
    ]
    assert [round(100 * density, 4) for density in plan.densities] == [100, 50, 25, 12.5, 6.25, 3.125, 1.5625]
    assert plan.network == "alexnet"


def test_the_lambda_sweep_is_over_lambda_alone(plan_of):
    plan, _ = plan_of("paper-lambda")
    schedules = [entry.loss for entry in plan.entries[2:]]
    assert [schedule.lambda_ for schedule in schedules] == [0, 1, 2, 5, 10]
    assert {(schedule.gamma, schedule.gamma_after) for schedule in schedules} == {(1.0, 1.0)}
    assert {entry.method for entry in plan.entries[2:]} == {"lt"}


def test_the_gamma_control_crosses_gamma_and_lambda(plan_of):
    plan, _ = plan_of("paper-gamma")
    schedules = [(entry.loss.gamma, entry.loss.gamma_after, entry.loss.lambda_) for entry in plan.entries[2:]]
    assert schedules == [(1, 1, 0), (1, 5, 0), (1, 1, 5), (1, 5, 5), (5, 5, 5)]


def test_the_standard_preset_tests_every_image_by_fifteen_networks(plan_of):
    plan, _ = plan_of("standard")
    options = load_configuration("standard", None, [], {})
    found = variants(plan, options.data)
    assert [one.data.cutting.fold for one in found] == [1, 2, 3, 4, 5]
    assert sum(len(one.seeds) for one in found) == 15


def test_without_a_network_a_dry_run_says_what_a_run_would_download(plan_of):
    plan, notes = plan_of("paper", weights="imagenet")
    assert plan.weights == "imagenet"
    assert any("a run first tries to download them" in note for note in notes)
    assert plan_of("quick", network="small-cnn")[0].weights == "simulated"


def test_a_plan_that_is_refused_decides_nothing_for_the_store(isic_folder, tmp_path, monkeypatch):
    """`auto` is kept for the store, so that it comes after all that may refuse the plan."""
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    options, store = load_configuration("paper", None, [], {}), tmp_path / "store"
    reached = downloads(Reporter(Console(quiet=True)), dry_run=False)
    image = next((isic_folder / "isic" / "ISBI2016_ISIC_Part3_Test_Data").iterdir())
    kept = image.read_bytes()
    image.unlink()
    with pytest.raises(DataError, match="is not complete"):
        build_plan(options, Flags("paper", isic_folder, store), reached)
    assert not store.exists()
    image.write_bytes(kept)
    plan, notes = build_plan(options, Flags("paper", isic_folder, store), reached)
    assert plan.weights == "simulated"
    assert any("HARNESS_OFFLINE=1" in note for note in notes)
    assert [path.name for path in store.iterdir()] == ["auto-weights.json"]


@pytest.mark.parametrize(
    ("data", "asked", "source"),
    [
        ("isic", "auto", "isic-sim"),
        ("isic-sim", "auto", "crack-sim"),
        ("crack-sim", "auto", "isic-sim"),
        ("isic-sim", "isic-sim", "isic-sim"),
    ],
)
def test_w0_is_pretrained_on_what_is_not_the_data(plan_of, data, asked, source):
    plan, notes = plan_of("quick", data={"name": data}, pretraining={"dataset": asked}, weights="simulated")
    assert plan.pretraining.dataset == source
    assert any("sees the classes" in note for note in notes) == (asked == data)
    assert comparison(plan, {})["pretraining"].dataset == source


def test_where_simulated_images_stand_in_w0_is_pretrained_on_others(tmp_path):
    options = load_configuration("quick", None, [], {"weights": "simulated"})
    plan, _ = build_plan(options, Flags("quick", tmp_path / "nothing here", tmp_path / "never"))
    assert (plan.data.name, plan.pretraining.dataset) == ("isic-sim", "crack-sim")


def test_the_keys_of_real_data_pretrained_on_isic_sim_stay(plan_of):
    """Auto is a name by the time a key is made: what was kept under the old default is found."""
    (auto, _), (named, _) = (
        plan_of("quick", weights="simulated", pretraining={"dataset": one}) for one in ("auto", "isic-sim")
    )
    assert digest(auto.pretraining) == digest(named.pretraining)
    assert digest(comparison(auto, {})) == digest(comparison(named, {}))


@pytest.mark.parametrize(
    "asked",
    [
        ("training.precision",),
        ("pretraining.training.precision",),
        ("training.precision", "pretraining.training.precision"),
    ],
)
def test_tf32_is_refused_on_a_cpu_and_taken_on_cuda(isic_folder, tmp_path, monkeypatch, asked):
    options = load_configuration("smoke", None, [f"{one}=tf32" for one in asked], {})
    flags = Flags("smoke", isic_folder, tmp_path / "never")
    monkeypatch.setattr(cuda, "devices", Devices)
    with pytest.raises(UsageError, match=rf"tf32 \({', '.join(asked)}\)") as refused:
        build_plan(options, flags)
    assert all(f"--set {one}=float32" in refused.value.fix for one in asked)
    monkeypatch.setattr(cuda, "devices", lambda: Devices(("a device",), bfloat16=True))
    plan, _ = build_plan(options, flags)
    assert "tf32" in (plan.training.precision, plan.pretraining.training.precision)
    assert plan.training.device == "cuda"
    assert " / a device / float32 rates / cuda / " in plan.environment
