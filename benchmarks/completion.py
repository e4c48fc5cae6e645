"""How long `rm.` and Tab take in a kernel, first and again, beside the same of NumPy.

`python benchmarks/completion.py`; each is asked of a fresh kernel, as JupyterLab asks it.
"""

from __future__ import annotations

import time

from jupyter_client.manager import start_new_kernel

PACKAGES = {"rm.": "import retention_models as rm", "np.": "import numpy as np"}


def seconds(code: str, first: str) -> tuple[float, float]:
    """Of the first completion of `code` after `first` was run, and of one a second later."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute_interactive(first, timeout=60)
        took = []
        for _ in range(2):
            time.sleep(1.0)
            began = time.perf_counter()
            answer = client.complete(code, len(code), reply=True, timeout=60)
            took.append(time.perf_counter() - began)
            if not answer["content"]["matches"]:
                raise SystemExit(f"{code}: nothing was completed")
        return took[0], took[1]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> None:
    """Print both, and how long ours takes of theirs."""
    found = {code: seconds(code, first) for code, first in PACKAGES.items()}
    for code, (first, again) in found.items():
        print(f"{code:4s} first {first:.2f} s, again {again:.2f} s")
    ratios = [ours / theirs for ours, theirs in zip(found["rm."], found["np."], strict=True)]
    print(f"ours of NumPy's: first {ratios[0]:.2f}, again {ratios[1]:.2f}")


if __name__ == "__main__":
    main()
