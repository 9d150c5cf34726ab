#!/usr/bin/env python3
"""How fluid the page of a plan is: frame times in headless Chromium.

    benches/page.py 10000 [target/release/coord]

Writes a project of so many tasks in phases, makes its page, and measures in the browser what one
frame takes while the page is scrolled, zoomed, moved, filtered and traced.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

MEASURE = """
<script>
addEventListener('load', () => setTimeout(() => {
  const p = window.coordPlan, out = {}, s = p.scroller, box = document.getElementById('filter');
  const time = (name, n, act) => {
    const took = [];
    for (let i = 0; i < n; i++) { const t = performance.now(); act(i); p.draw(); took.push(performance.now() - t); }
    took.sort((a, b) => a - b);
    out[name] = [took[0], took[n >> 1], took[Math.floor(n * 0.95)]].map(x => +x.toFixed(2));
  };
  const all = s.scrollHeight;
  time('scroll', 200, i => { s.scrollTop = all * i / 200; });
  time('zoom', 100, i => p.zoom(i < 50 ? 0.9 : 1 / 0.9));
  time('move', 100, i => p.move(i < 50 ? 36e5 : -36e5));
  time('filter', 20, i => { box.value = i % 2 ? '' : '7'; box.dispatchEvent(new Event('input')); });
  time('trace', 40, i => p.pick(i * 97 % NODES, true));
  const pre = document.createElement('pre'); pre.id = 'measured'; pre.textContent = JSON.stringify(out);
  document.body.append(pre);
}, 0));
</script>
"""


def project(tasks: int) -> str:
    """Phases of 250 tasks; each task needs one of the task three before it."""
    text = ["edition 2026", "project page { starts 2025-08-04 }"]
    text += [f"human person-{n} {{ capacity 4 }}" for n in range(40)]
    for phase in range(0, tasks, 250):
        text.append(f"phase p{phase} {{")
        for task in range(phase, min(phase + 250, tasks)):
            needs = f" needs t{task - 3}" if task - phase > 2 else ""
            text.append(f"task t{task} \"Task {task}\" {{\n by person-{task % 40}\n takes {1 + task % 4}wd")
            if needs:
                text.append(needs)
            text.append("}")
        text.append("}")
    return "\n".join(text) + "\n"


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    coord = sys.argv[2] if len(sys.argv) > 2 else "target/release/coord"
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no Chromium here")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "main.coord").write_text(project(tasks))
        began = time.monotonic()
        command = [coord, "plan", "-q", "--budget", "0", "--samples", "0", "--format", "html"]
        made = subprocess.run(command + [str(path / "main.coord")], capture_output=True, text=True)
        page = made.stdout
        print(f"{tasks} tasks: page of {len(page) / 1e6:.1f} MB in {time.monotonic() - began:.2f} s")
        measure = MEASURE.replace("NODES", str(tasks))
        (path / "page.html").write_text(page.replace("</body>", measure + "</body>"))
        shown = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,1000",
             "--virtual-time-budget=60000", "--dump-dom", str(path / "page.html")],
            capture_output=True, text=True, timeout=300,
        )
        _, _, found = shown.stdout.partition('<pre id="measured">')
        for name, times in json.loads(found.partition("</pre>")[0]).items():
            print(f"{name:8} best {times[0]} ms, median {times[1]} ms, p95 {times[2]} ms")


if __name__ == "__main__":
    main()
