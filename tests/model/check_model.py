#!/usr/bin/env python3
"""Verify a model with spin, and that its proof can fail.

    check_model.py SPIN CC MODEL.pml [NAME=VALUE…]

The model as it is must have no errors in its whole state space. Then once for each WITHOUT_… that an #if in it names, with
that defined: a fault that spin must find. The states that no run reached are named and fail too, so that no part of a
model is idle. NAME=VALUE redefines a size.
"""
import os
import re
import subprocess
import sys
import tempfile

# Seconds and MiB for one verification.
LONGEST, LARGEST = 200, 4000


def run(command, folder):
    return subprocess.run(command, cwd=folder, text=True, timeout=LONGEST, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def verify(spin, cc, model, defines):
    """What pan says: (error or None, states, what was not reached)."""
    with open(model, encoding="utf-8") as f:
        # Partial-order reduction does not go with `provided`.
        options = ["-DNOREDUCE"] if "provided(" in f.read() else []
    with tempfile.TemporaryDirectory() as folder:
        run([spin, *(f"-D{d}" for d in defines), "-a", model], folder)
        run([cc, "-O1", "-w", "-DSAFETY", "-DNOFAIR", "-DCOLLAPSE", f"-DMEMLIM={LARGEST}", *options, "-o", "pan", "pan.c"],
            folder)
        said = run(["./pan", "-m100000"], folder)
    if "Search not completed" in said and "errors: 0" in said or "max search depth too small" in said:
        sys.exit(f"{model} {defines}: the search was not complete\n{said}")
    errors = int(re.search(r"errors: (\d+)", said)[1])
    states = int(re.search(r"(\d+(?:\.\d+e\+\d+)?) states, stored", said)[1])
    unreached = [line.strip() for line in re.findall(r"^\t\S+:\d+, state.*", said, re.M) if "-end-" not in line]
    return re.search(r"pan:1: (.*)", said)[1] if errors else None, states, unreached


def main():
    spin, cc, model, *sizes = sys.argv[1:]
    model = os.path.abspath(model)
    with open(model, encoding="utf-8") as f:
        conditions = " ".join(re.findall(r"^#if.*", f.read(), re.M))
    faults = sorted(set(re.findall(r"WITHOUT_[A-Z_]*[A-Z]", conditions)))
    if not faults:
        sys.exit(f"{model}: names no fault that could be found")

    failed = 0
    error, states, unreached = verify(spin, cc, model, sizes)
    print(f"as it is: {states} states, {error or 'no error'}")
    if error or unreached:
        failed += 1
        print("\n".join(["not reached:"] * bool(unreached) + unreached))
    for fault in faults:
        error, _, _ = verify(spin, cc, model, [*sizes, fault])
        print(f"{fault}: {error or 'NOT FOUND'}")
        failed += not error
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
