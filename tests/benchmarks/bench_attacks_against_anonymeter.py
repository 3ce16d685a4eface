"""Do our attacks find what anonymeter's find? Both on the same tables.

anonymeter needs an environment of its own, named by ``--python`` (see bench_measures_against_peers.py); without it the
script says so and ends. On Adult, split as the peers' tables were made: risks, with 95 % intervals, of singling out,
linkability and attribute inference for synthpop's table, for training rows redrawn, and for columns redrawn alone. The
attacks draw their own records and predicates, so risks agree up to their intervals where both scale the control alike:
with a holdout smaller than the original anonymeter predicts by a model of its own how often predicates would single out
there, and finds a risk in independent columns, which hold none. Run by ``make bench``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pandas as pd

import bayessynth as bs

sys.path.insert(0, str(Path(__file__).parent))

from bench_evaluate import KEYS, SHARED, adult, peer

TABLES = ("synthpop_cart", "indep", "bootstrap")
# Ours by anonymeter's name of the attack.
ATTACKS = {
    "univariate": "singling_out_univariate", "multivariate": "singling_out_multivariate", "linkability": "linkability",
    "inference": "attribute_inference",
}  # fmt: skip

# Runs in the other environment: reads three tables and the keys, prints risks as JSON.
PEER = """
import json, sys, warnings
import pandas as pd
warnings.filterwarnings("ignore")
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator
ori, syn, control = (pd.read_csv(path, keep_default_na=False) for path in sys.argv[1:4])
keys, target, n = json.loads(sys.argv[4]), sys.argv[5], int(sys.argv[6])
rest = [c for c in ori if c not in keys]
found = {}
def note(name, evaluator, **options):
    evaluator.evaluate(**options)
    risk = evaluator.risk(confidence_level=0.95)
    found[name] = [risk.value, *risk.ci]
note("univariate", SinglingOutEvaluator(ori, syn, n, control=control), mode="univariate")
note("multivariate", SinglingOutEvaluator(ori, syn, n, n_cols=4, control=control), mode="multivariate")
note("linkability", LinkabilityEvaluator(ori, syn, aux_cols=(keys, rest), n_attacks=n, control=control), n_jobs=2)
note("inference", InferenceEvaluator(ori, syn, aux_cols=keys, secret=target, n_attacks=n, control=control), n_jobs=2)
print(json.dumps(found))
"""


def theirs(python: str, frames: list[pd.DataFrame], attempts: int) -> dict[str, list[float]]:
    """Return anonymeter's risk with its interval, by attack."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{i}.csv")) for i in range(3)]
        for path, frame in zip(paths, frames, strict=True):
            frame.to_csv(path, index=False)
        command = [python, "-c", PEER, *paths, json.dumps(KEYS), "income", str(attempts)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print both risks, attack by attack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="interpreter of an environment that has anonymeter")
    parser.add_argument("--attempts", type=int, default=1000)
    asked = parser.parse_args()
    if asked.python is None or not (SHARED / "peers").is_dir():
        print("skipped: name an environment that has anonymeter with --python, and keep the peers' tables beside the "
              "repository")  # fmt: skip
        return 0
    warnings.simplefilter("ignore")
    train, holdout = adult()
    rows = []
    for name in TABLES:
        made = peer(name)
        risks = theirs(asked.python, [train, made, holdout], asked.attempts)
        own = bs.evaluate(train, made, holdout, keys=KEYS, target="income",
                          measures=["singling_out", "linkability", "attribute_inference"])  # fmt: skip
        for attack, measure in ATTACKS.items():
            low, high = own[measure].interval or (float("nan"), float("nan"))
            value, *interval = risks[attack]
            rows.append(
                {"table": name, "attack": attack, "ours": own[measure].value, "ours 95 %": f"{low:.3f} {high:.3f}",
                 "anonymeter": value, "anonymeter 95 %": "{:.3f} {:.3f}".format(*interval)}
            )  # fmt: skip
        print(pd.DataFrame(rows[-len(ATTACKS) :]).round(3).to_string(index=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
