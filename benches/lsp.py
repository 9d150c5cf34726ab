#!/usr/bin/env python3
"""Times the language server on a large file, as an editor sees it.

    benches/lsp.py 10000            # a file of 10,000 tasks at the top level
    benches/lsp.py 10000 phases     # the same in ten phases

Each round types one character into a task somewhere in the file, and asks for a completion and a
hover in the same breath. Told are the times from sending the edit until the first diagnostics of that
version, the completion, and the hover: the hover waits for the whole compile, plan and all. Then the
answers about a text that is compiled already.
Needs a release build of coord (or COORD_BIN). Prints a Markdown table.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time

from compare import COORD, coord_file, graph

ROUNDS = int(os.environ.get("ROUNDS", "50"))


class Client:
    def __init__(self):
        self.server = subprocess.Popen([COORD, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.next_id = 0

    def send(self, method, params, is_request=False):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if is_request:
            self.next_id += 1
            message["id"] = self.next_id
        body = json.dumps(message).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.server.stdin.flush()
        return self.next_id

    def receive(self):
        length = 0
        while (line := self.server.stdout.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(self.server.stdout.read(length))

    def until(self, wanted):
        """Waits until every test of `wanted` has seen its message: {name: seconds}."""
        start, seen = time.perf_counter(), {}
        while len(seen) < len(wanted):
            message = self.receive()
            for name, test in wanted.items():
                if name not in seen and test(message):
                    seen[name] = time.perf_counter() - start
        return seen

    def ask(self, method, params):
        number = self.send(method, params, True)
        return self.until({method: lambda m: m.get("id") == number})


def text_of(shape, n):
    text = coord_file(graph("layered", n))
    if shape == "flat":
        return text
    tasks = text.split("\n\n")[1:]
    out, size = ["edition 2026\n"], len(tasks) // 10
    for at in range(0, len(tasks), size):
        inside = "\n\n".join(tasks[at : at + size]).replace("\n", "\n  ")
        out.append(f"\nphase part-{at // size} {{\n  {inside}\n}}\n".replace("  \n", "\n"))
    return "".join(out)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    shape = sys.argv[2] if len(sys.argv) > 2 else "flat"
    text = text_of(shape, n)
    uri = "untitled:bench.coord"
    document = {"uri": uri}
    client = Client()
    client.ask("initialize", {"capabilities": {}, "processId": None, "rootUri": None})
    client.send("initialized", {})
    client.send("textDocument/didOpen", {"textDocument": document | {"languageId": "coord", "version": 0, "text": text}})
    published = lambda version: lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"].get("version") == version
    times = {"open → diagnostics": [client.until({"open": published(0)})["open"]]}

    rng = random.Random(5)
    lines = text.split("\n")
    heads = [at for at, line in enumerate(lines) if line.lstrip().startswith("takes ")]
    for version in range(1, ROUNDS + 1):
        line = rng.choice(heads)
        column = lines[line].index("ms")
        where = {"line": line, "character": column}
        lines[line] = lines[line][:column] + "1" + lines[line][column:]
        change = {"range": {"start": where, "end": where}, "text": "1"}
        client.send("textDocument/didChange", {"textDocument": document | {"version": version}, "contentChanges": [change]})
        behind = {"line": line + 1, "character": len(lines[line + 1]) - 1}
        number = client.send("textDocument/completion", {"textDocument": document, "position": behind}, True)
        place = {"textDocument": document, "position": {"line": line + 1, "character": 12}}
        hover = client.send("textDocument/hover", place, True)
        seen = client.until(
            {
                "edit → diagnostics": published(version),
                "edit → completion": lambda m: m.get("id") == number,
                "edit → hover (all compiled)": lambda m: m.get("id") == hover,
            }
        )
        seen |= client.ask("textDocument/documentSymbol", {"textDocument": document})
        top = {"start": {"line": line, "character": 0}, "end": {"line": line + 60, "character": 0}}
        seen |= client.ask("textDocument/semanticTokens/range", {"textDocument": document, "range": top})
        seen |= client.ask("textDocument/inlayHint", {"textDocument": document, "range": top})
        for name, seconds in seen.items():
            times.setdefault(name, []).append(seconds)
    client.ask("shutdown", None)
    client.send("exit", None)
    client.server.wait()

    load = os.getloadavg()[0]
    print(f"`lsp {n} {shape}` ({len(text) / 1e6:.1f} MB of text), {ROUNDS} edits, load {load:.1f}\n")
    print("| | median ms | 95 % ms | max ms |\n|---|---|---|---|")
    for name, found in times.items():
        found = sorted(1000 * seconds for seconds in found)
        print(f"| {name} | {statistics.median(found):.0f} | {found[int(0.95 * (len(found) - 1))]:.0f} | {found[-1]:.0f} |")


if __name__ == "__main__":
    main()
