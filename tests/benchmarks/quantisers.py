"""The table of docs/quantisation.md: ways to quantise one trained network, beside its float scores.

First a network: harness run --preset quick --dataset isic --network alexnet-bn --methods magnitude --store STORE
Then: python tests/benchmarks/quantisers.py alexnet-bn STORE FOLDER, and, on another processor or an emulated one, which
needs no torch: qemu-x86_64 -cpu Haswell python tests/benchmarks/quantisers.py FOLDER
torchao's row needs torchao and a C++ compiler.
"""

import io
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import zstandard

VARIANTS = {  # activations, weights, reduce_range, calibration
    "float": None,
    "u8s8 MinMax": ("QUInt8", "QInt8", False, "MinMax"),
    "u8s8 reduced MinMax": ("QUInt8", "QInt8", True, "MinMax"),
    "u8s8 reduced Percentile": ("QUInt8", "QInt8", True, "Percentile"),
    "u8s8 reduced Entropy": ("QUInt8", "QInt8", True, "Entropy"),
    "s8s8 MinMax": ("QInt8", "QInt8", False, "MinMax"),
    "u8u8 MinMax": ("QUInt8", "QUInt8", False, "MinMax"),
}
SHOWN = 24
"""Images that are scored on another processor."""


def session(content):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    found = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: found.run(None, {"images": images})[0]


def elsewhere(folder):
    """Print how far the scores of each file lie from those of the processor that wrote them."""
    images = np.load(folder / "images.npy")
    for path in sorted(folder.glob("*.onnx")):
        here, there = session(path.read_bytes())(images), np.load(path.with_suffix(".npy"))
        print(f"| {path.stem} | {np.abs(here - there).max() / there.std():.4f} |")


def trained(network, store):
    """Return the plain dense network of seed 0 as it ships, and its splits."""
    from harness.cli.downloads import downloads
    from harness.cli.loudness import reporter
    from harness.data.loading import splits_of
    from harness.planning.configuration_file import load_configuration
    from harness.planning.planner import Flags, build_plan
    from harness.portable.nameplate import Nameplate, Preprocessing
    from harness.portable.shipped_network import ShippedNetwork
    from harness.running.cells import cells
    from harness.storage.store import Store

    options = load_configuration("quick", None, [], {"network": network, "methods": ["magnitude"]})
    flags = Flags("quick", None, store, allow_missing=True)
    plan, _ = build_plan(options, flags, downloads(reporter(), dry_run=False))
    (cell,) = cells(plan, plan.entries[0], 0, (1.0,), Store(store))
    told = {"dataset": "isic", "entry": "dense", "density": 1.0, "seed": 0, "network": network, "classes": ("", "")}
    nameplate = Nameplate(**told, preprocessing=Preprocessing(size=plan.data.size))
    return ShippedNetwork(cell.pruned.network, nameplate), splits_of(plan.data, plan.store, 0)


class Row:
    """Prints a line of the table."""

    def __init__(self, splits, reference):
        self.splits, self.reference = splits, reference

    def show(self, name, score, size, compressed):
        from sklearn.metrics import roc_auc_score

        parts = [self.splits.validation, self.splits.test]
        found = [
            np.concatenate([score(one.images[i : i + 32].numpy()) for i in range(0, len(one.ids), 32)]) for one in parts
        ]
        aucs = [roc_auc_score(one.labels, scores) for one, scores in zip(parts, found, strict=True)]
        off = (found[0] - self.reference) / self.reference.std()
        one, ways = parts[0].images[:1].numpy(), []
        for _ in range(70):
            began = time.perf_counter()
            score(one)
            ways.append(time.perf_counter() - began)
        values = [f"{np.sqrt((off**2).mean()):.3f}", f"{np.abs(off).max():.2f}", *(f"{auc:.3f}" for auc in aucs)]
        values += [f"{size / 1e6:.2f}", f"{compressed / 1e6:.2f}", f"{1e3 * np.median(ways[10:]):.2f}"]
        print(f"| {name} | {' | '.join(values)} |", flush=True)


def table(network, store, folder):
    import torch
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    from harness.portable.onnx_file import onnx_content
    from harness.portable.quantisation import calibration_images

    torch.set_num_threads(1)
    shipped, splits = trained(network, store)
    plain, calibration = onnx_content(shipped), calibration_images(splits.train, 0)
    with torch.inference_mode():
        row = Row(splits, shipped(splits.validation.images[:]).numpy())
    folder.mkdir(parents=True, exist_ok=True)
    images = splits.validation.images[:SHOWN].numpy()
    np.save(folder / "images.npy", images)
    (folder / "float.onnx").write_bytes(plain)
    for name, how in VARIANTS.items():
        path = folder / f"{name}.onnx"
        if how:
            activations, weights, reduced, method = how
            quantize_static(
                folder / "float.onnx",
                path,
                Batches(calibration),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=reduced,
                activation_type=QuantType[activations],
                weight_type=QuantType[weights],
                calibrate_method=CalibrationMethod[method],
                nodes_to_exclude=["node_linear"],
            )
        content = path.read_bytes()
        score = session(content)
        np.save(path.with_suffix(".npy"), score(images))
        row.show(name, score, len(content), len(zstandard.compress(content, 9)))
    torchao(shipped, calibration, row)


class Batches:
    """Images as onnxruntime asks for them."""

    def __init__(self, images):
        self.left = iter(images.split(32))

    def get_next(self):
        batch = next(self.left, None)
        return None if batch is None else {"images": batch.numpy()}


def torchao(shipped, calibration, row):
    import torch
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    class Plain(torch.nn.Module):
        """The shipped network without its guard against automatic casts, which torchao cannot look into."""

        def forward(self, images):
            features = shipped.network.features((images.float() - shipped.mean) / shipped.std)
            logits = self.head(features.mean(dim=(2, 3)))
            return logits[:, 1] - logits[:, 0]

    plain = Plain()
    plain.whole, plain.head = shipped, shipped.network.head
    images, shapes = (calibration[:2],), ({0: torch.export.Dim("n", min=1, max=4096)},)
    module = torch.export.export(plain.eval(), images, dynamic_shapes=shapes).module()
    quantiser = x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config())
    module = prepare_pt2e(module, quantiser)
    for batch in calibration.split(32):
        module(batch)
    module, file = convert_pt2e(module), io.BytesIO()
    torch.export.save(torch.export.export(module, images, dynamic_shapes=shapes), file)
    sizes = len(file.getvalue()), len(zstandard.compress(file.getvalue(), 9))
    torch._inductor.config.freezing = True
    for name, run in (("torchao, eager", module), ("torchao, compiled", torch.compile(module))):
        row.show(name, partial(scored, run), *sizes)


def scored(run, images):
    import torch

    with torch.no_grad():
        return run(torch.from_numpy(images)).numpy()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) == 2:
        elsewhere(Path(sys.argv[1]))
    else:
        table(sys.argv[1], *map(Path, sys.argv[2:]))
