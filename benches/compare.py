#!/usr/bin/env python3
"""Times coord beside its peers and beside the machine's own limit, in the same run.

    benches/compare.py run  wide 10000      # 10,000 independent `true` tasks, two at a time
    benches/compare.py run  layered 2000    # layers of 100, each task needs three of the layer before
    benches/compare.py run  chain 400
    benches/compare.py plan layered 10000   # reading and planning alone

Rounds are interleaved (A B C, A B C, ...), so that a machine whose speed drifts is fair to all.
Needs `ninja` (or skips it) and `make`, a C compiler for the floor, and a release build of coord
(or COORD_BIN). Prints a Markdown table; CPU is user and system time of the whole process tree.
"""

import ctypes
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COORD = os.environ.get("COORD_BIN", os.path.join(HERE, "../target/release/coord"))
JOBS = "2"
ROUNDS = int(os.environ.get("ROUNDS", "5"))


def graph(shape, n):
    rng = random.Random(7)
    if shape == "wide":
        return [[] for _ in range(n)]
    if shape == "chain":
        return [[i - 1] if i else [] for i in range(n)]
    if shape == "layered":
        return [rng.sample(range(i // 100 * 100 - 100, i // 100 * 100), 3) if i >= 100 else [] for i in range(n)]
    sys.exit(f"no shape {shape}: wide, layered or chain")


def coord_file(needs):
    out = ["edition 2026\n"]
    for i, before in enumerate(needs):
        names = ", ".join(f"task-{b}" for b in before)
        wait = f"  needs [{names}]\n" if before else ""
        out.append(f'\ntask task-{i} {{\n  takes {i % 997 + 1}ms\n{wait}  run ["true"]\n}}\n')
    return "".join(out)


def ninja_file(needs):
    out = ["rule t\n  command = true\n"]
    out += [f"build t{i}: t {' '.join(f't{b}' for b in before)}\n" for i, before in enumerate(needs)]
    return "".join(out)


def make_file(needs):
    names = " ".join(f"t{i}" for i in range(len(needs)))
    out = [f".PHONY: all {names}\nall: {names}\n"]
    out += [f"t{i}: {' '.join(f't{b}' for b in before)}\n\t@/bin/true\n" for i, before in enumerate(needs)]
    return "".join(out)


def contenders(mode, needs, folder):
    def write(name, text):
        with open(os.path.join(folder, name), "w") as out:
            out.write(text)

    found = []
    write("w.coord", coord_file(needs))
    state = os.path.join(folder, "state")
    words = ["plan", "--format", "json", "w.coord"] if mode == "plan" else ["run", "w.coord", "--parallel", JOBS, "--progress", "none"]
    found.append(("coord", [COORD, "--home", state] + words, lambda: shutil.rmtree(state, ignore_errors=True)))
    if shutil.which("ninja"):
        write("build.ninja", ninja_file(needs))
        extra = ["-n"] if mode == "plan" else []
        clean = lambda: [os.path.exists(f) and os.unlink(f) for f in [os.path.join(folder, ".ninja_log"), os.path.join(folder, ".ninja_deps")]]
        found.append(("ninja" + (" -n" if extra else ""), ["ninja", "-j" + JOBS] + extra, clean))
    if shutil.which("make"):
        write("Makefile", make_file(needs))
        extra = ["-n"] if mode == "plan" else []
        found.append(("make" + (" -n" if extra else ""), ["make", "-s", "-j" + JOBS] + extra, lambda: None))
    if mode == "run":
        floor = os.path.join(folder, "floor")
        if subprocess.run(["cc", "-O2", "-o", floor, os.path.join(HERE, "floor.c")]).returncode == 0:
            found.append(("floor: spawn alone", [floor, "spawn", str(len(needs)), JOBS], lambda: None))
            found.append(("floor: 1,000 flushes", [floor, "sync", "1000"], lambda: None))
    return found


def once(argv, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    child = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    child.returncode = status
    # helpers that outlive the program by a moment count, too: this process adopts them
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    if status:
        sys.exit(f"{argv[0]} failed: {said.decode()[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, usage.ru_maxrss / 1024


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    mode, shape, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        peers = contenders(mode, graph(shape, n), folder)
        seen = {name: [] for name, _, _ in peers}
        for _ in range(ROUNDS):
            for name, argv, clean in peers:
                clean()
                seen[name].append(once(argv, folder))
    base = "ninja" + (" -n" if mode == "plan" else "")
    base = base if base in seen else "coord"
    load = os.getloadavg()[0]
    print(f"\n`{mode} {shape} {n}`, {ROUNDS} rounds, {os.cpu_count()} cores, load {load:.1f}\n")
    print("| | wall s (min–max) | CPU s | peak MB | × wall | × CPU |")
    print("|---|---|---|---|---|---|")
    for name, rows in seen.items():
        walls, cpus, sizes = ([r[k] for r in rows] for k in range(3))
        pairs = list(zip(rows, seen[base]))
        wall = statistics.median(a[0] / b[0] for a, b in pairs)
        cpu = statistics.median(a[1] / b[1] for a, b in pairs if b[1])
        middle = statistics.median
        print(f"| {name} | {middle(walls):.3f} ({min(walls):.3f}–{max(walls):.3f}) | {middle(cpus):.3f} | {max(sizes):.0f} | {wall:.2f} | {cpu:.2f} |")


if __name__ == "__main__":
    main()
