"""How much memory a graph's activations need at once, where its operators run in the file's order."""

from collections import defaultdict

from harness.portable.onnx_graph import DEQUANTISE, QUANTISE, VIEWS, OnnxGraph


def peak_activations(graph: OnnxGraph) -> int:
    """Return the bytes of activations that live at once at most, for one image.

    A tensor lives from the operator that makes it to the last that reads it, the graph's inputs from the start and its
    outputs to the end; none is written over. What is computed of constants alone is none, and a view takes no bytes of
    its own. In a quantised file an activation is what its 8 bits take: no floats are stored between an operator and its
    `QuantizeLinear`.
    """
    stored = _stored(graph)
    first: dict[str, int] = {stored[name]: 0 for name in graph.inputs}
    last = dict(first)
    for place, node in enumerate(graph.nodes):
        for name in (*node.inputs, *node.outputs):
            if name in stored:
                first.setdefault(stored[name], place)
                last[stored[name]] = place
    last |= {stored[name]: len(graph.nodes) for name in graph.outputs if name in stored}
    change: dict[int, int] = defaultdict(int)
    for name, made in first.items():
        change[made] += graph.size(name)
        change[last[name] + 1] -= graph.size(name)
    living, most = 0, 0
    for place in sorted(change):
        living += change[place]
        most = max(most, living)
    return most


def _stored(graph: OnnxGraph) -> dict[str, str]:
    """Return as which tensor each activation is stored: itself, but for views and what is kept in 8 bits."""
    readers: dict[str, set[str]] = defaultdict(set)
    for node in graph.nodes:
        for name in node.inputs:
            readers[name].add(node.op)
    stored = {name: name for name in graph.inputs}
    quantised: dict[str, str] = {}
    for node in graph.nodes:
        if not any(name in stored for name in node.inputs):
            continue
        source, is_view = node.inputs[0], node.op in (*VIEWS, DEQUANTISE)
        for name in filter(None, node.outputs):
            stored[name] = stored[source] if is_view and source in stored else name
        only = readers[source] == {QUANTISE} and source not in (*graph.inputs, *graph.outputs)
        if node.op == QUANTISE and only and stored[source] == source:
            quantised.setdefault(source, node.outputs[0])
    return {name: quantised.get(own, own) for name, own in stored.items()}
