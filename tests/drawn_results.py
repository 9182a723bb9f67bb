"""Results that are drawn and not trained: every figure follows from the scores, as it does in a run."""

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import zipfile

import numpy as np
import torch

from harness.evaluation.terms import USUAL
from harness.integrity.recounting import read_scores, recounted
from harness.results import names
from harness.results.looks import part_of
from harness.results.manifest import LoggedLevel, Manifest, hashes
from harness.results.published import Publication, PublishedLevel
from harness.results.recorded import RecordedRun
from harness.running.publication import lasting_digest
from harness.submissions.bundle_facts import own_hash
from harness.submissions.writing import Submitter, packed, write_bundle
from harness.training.inference import has_collapsed

AUTHOR = "Ann Example"
COUNTS = {"validation": (8, 16), "test": (10, 22)}


def scored(draws, fold, seed, skill, prefix=""):
    """The text of scores.csv: positives lie ``skill`` above negatives; labels and ids are those of fold and seed."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["split", "id", "label", "score"])
    for split, (positives, negatives) in COUNTS.items():
        for index in range(positives + negatives):
            label = int(index < positives)
            whose = f"{fold}-{seed}" if split == "validation" else fold
            score = float(np.float32(draws.normal(skill * label, 1)))
            rows.writerow([split, f"{prefix}{split[0]}{whose}-{index}", label, repr(score)])
    return text.getvalue()


class Drawn:
    """Runs of one group, or of a group for each fold."""

    def __init__(self, seed=0, folds=None, prefix="", environment="torch 2 / cpu"):
        self.draws, self.folds, self.prefix = np.random.default_rng(seed), folds, prefix
        self.environment, self.runs = environment, {}
        self.spread, self.started = {}, 1_700_000_000_000

    def group(self, fold):
        return hashlib.sha256(f"{fold} {self.environment}".encode()).hexdigest()[:12]

    def run(self, entry, seed=0, fold=None, densities=(0.25,), failed=(), skill=1.5, loss="plain", entries=(), **facts):
        """Add a run of an entry; a cell whose density is ``failed`` has a reason and no scores."""
        method = entry.partition("[")[0].partition(" ")[0]
        scores = {}
        levels = {}
        for density in densities:
            scores[density] = "split,id,label,score\r\n" if density in failed else self._scores(fold, seed, skill)
            levels[density] = self._level(entry, seed, fold, density, scores[density])
        documents = self._documents(entry, method, loss, fold, entries, facts)
        tags = {
            names.KIND: names.RESULT,
            names.ENTRY: entry,
            names.METHOD: method,
            names.LOSS: loss,
            names.PLAIN: entry,
            names.SEED: str(seed),
            names.GROUP: self.group(fold),
            **({} if fold is None else {names.FOLD: str(fold), names.FOLDS: str(self.folds)}),
        }
        identity = hashlib.md5(f"{entry} {seed} {fold} {self.environment}".encode()).hexdigest()
        key = hashlib.sha256(identity.encode()).hexdigest()
        self.runs[identity] = Publication(key=key, name=entry, tags=tags, params={}, levels=levels, documents=documents)
        return self

    def design(self, entries, seeds=(0,), densities=(0.5, 0.25), failed=()):
        """Add dense and the entries for all seeds and folds."""
        for fold in range(1, self.folds + 1) if self.folds else (None,):
            for seed in seeds:
                self.run(names.DENSE, seed, fold, (1.0,))
                for entry in entries:
                    gone = {density for name, density in failed if name == entry}
                    self.run(entry, seed, fold, densities, gone)
        return self

    def _scores(self, fold, seed, skill):
        return scored(self.draws, fold, seed, skill, self.prefix)

    def _level(self, entry, seed, fold, density, scores):
        table = read_scores(scores) if scores.count("\n") > 1 else {}
        metrics, status = {}, names.FAILED
        if table:
            own = torch.from_numpy(table["validation"].scores)
            if entry == names.DENSE:
                self.spread[fold, seed] = float(own.double().std(correction=0))
            metrics, status = recounted(table, USUAL), names.DONE
            metrics |= {names.COLLAPSED: float(has_collapsed(own, self.spread[fold, seed]))}
            metrics |= {names.DENSITY: density, names.PARAMETERS: 1000 * density, names.SECONDS: 1.5, names.FLOPS: 5e3}
        cell = {
            "density": density,
            "status": status,
            "reason": "" if table else "it did not \u03b1 end",
            "metrics": metrics,
        }
        if table:
            cell["layers"] = {"conv.weight": [int(1000 * density), 900, 1000]}
        files = {names.CELL_FILE: dumped(cell), names.SCORES_FILE: scores.encode()}
        return PublishedLevel(metrics=metrics, files=files, digest=lasting_digest(cell))

    def _documents(self, entry, method, loss, fold, entries, facts):
        test = read_scores(scored(np.random.default_rng(0), fold, 0, 0, self.prefix))["test"]
        told = {
            "group": self.group(fold),
            "family": self.group("family"),
            "kin": "0123456789ab",
            "dataset": "spots",
            "network": "tiny",
            "size": 32,
            "weights": "kaiming",
            "preset": "quick",
            "environment": self.environment,
            "schedule": {"epochs": 3, "device": "cpu"},
            "verdict": dataclasses.asdict(USUAL),
            "counts": {split: {"p": p, "n": n} for split, (p, n) in COUNTS.items()},
            "test_part": part_of(test.ids, test.labels.tolist()),
            "fold": fold,
            "folds": self.folds,
            "simulated": False,
            "partial": None,
            "positive": "bad",
            "classes": ["good", "bad"],
            "caveats": [],
            "versions": {"prune-harness": "0.1.0"},
            "command": "harness run",
            **facts,
        }
        plan = {"network": "tiny", "weights": "kaiming", "preset": "quick", "environment": self.environment}
        plan |= {"training": told["schedule"], "verdict": told["verdict"]}
        plan["entries"] = [{"text": entry, "method": method, "loss": {"name": loss}}, *entries]
        return {names.PROVENANCE: dumped(told), names.PLAN: dumped(plan)}

    def recorded(self):
        return [self._recorded(identity, run, place) for place, (identity, run) in enumerate(self.runs.items())]

    def _recorded(self, identity, run, place):
        levels = {density: LoggedLevel.of(density, level, None) for density, level in run.levels.items()}
        manifest = Manifest(levels=levels, documents=hashes(run.documents), tags=run.tags)
        files = {
            f"{levels[density].folder}/{name}": content
            for density, level in run.levels.items()
            for name, content in level.files.items()
        }
        files |= {**run.documents, names.MANIFEST: manifest.to_bytes()}
        tags = {**run.tags, names.KEY: run.key}
        moment = self.started + 1000 * place
        return RecordedRun(identity, tags, None, manifest, InMemory(files), started=moment, finished=moment + 500)

    def bundle(self, path, author=AUTHOR, code="https://example.org/ann", masks=False):
        write_bundle(Kept(self), path, Submitter(author=author, code=code), masks=masks)
        return path


def dumped(value):
    return json.dumps(value, indent=1, sort_keys=True).encode()


class InMemory:
    def __init__(self, files):
        self.files = files

    def read(self, name):
        return self.files.get(name)

    def fetch(self, name):
        pass


class Kept:
    """What `write_bundle` asks of a tracker."""

    experiment = "spots"

    def __init__(self, drawn):
        self.drawn = drawn

    def recorded(self, kind, look):
        return [look(run) for run in self.drawn.recorded() if run.tags[names.KIND] == kind]


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def signed(members):
    """Return the members with every hash and size mended, from the runs' manifests up, as a forger would."""
    members = dict(members)
    for name in [one for one in members if one.endswith(names.MANIFEST)]:
        members[name] = _mended(name.removesuffix(names.MANIFEST), members)
    facts = json.loads(members["bundle.json"])
    listed = {name: content for name, content in sorted(members.items()) if name != "bundle.json"}
    facts["members"] = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in listed.items()
    }
    return {**members, "bundle.json": signed_facts(facts)}


def signed_facts(facts):
    rest = {name: value for name, value in facts.items() if name != "sha256"}
    return json.dumps({**rest, "sha256": own_hash(rest)}).encode()


def _mended(folder, members):
    content = json.loads(members[f"{folder}{names.MANIFEST}"])
    own = {name.removeprefix(folder): text for name, text in members.items() if name.startswith(folder)}
    content["documents"] |= {name: text for name, text in hashes(own).items() if name in content["documents"]}
    for level in content["levels"]:
        files = {name.rpartition("/")[2]: text for name, text in own.items() if name.startswith(f"{level['folder']}/")}
        level["sha256"] |= hashes(files)
        with contextlib.suppress(KeyError, ValueError, TypeError, AttributeError):
            level["digest"] = lasting_digest(json.loads(files[names.CELL_FILE]))
    rest = {name: value for name, value in content.items() if name != "sha256"}
    return json.dumps({**rest, "sha256": own_hash(rest)}).encode()


class Tools:
    members, signed, signed_facts, packed, dumped = map(
        staticmethod, (members_of, signed, signed_facts, packed, dumped)
    )

    @staticmethod
    def write(path, members):
        path.write_bytes(packed(members))
        return path
