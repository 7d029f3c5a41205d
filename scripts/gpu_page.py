"""Prints the page of a run of scripts/gpu.sh: Markdown for docs/src/measurements, from the files of its results.

    python3 scripts/gpu_page.py FOLDER > page.md

What a run did not measure is left out.
"""
import json
import re
import statistics
import sys
from pathlib import Path


def table(header, rows):
    """A Markdown table, or nothing without rows."""
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def digits(value):
    """Three significant digits."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(part):
    return "-" if part is None else f"{part * 100:.0f}%"


class Results:
    def __init__(self, folder):
        self.folder = Path(folder)

    def text(self, name):
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def json(self, name):
        # A step that was stopped may leave a file that is not complete.
        try:
            return json.loads(self.text(name))
        except ValueError:
            return None

    def all(self, pattern):
        """Parts of the names, between hyphens, and contents of the files that fit."""
        files = [(path.stem.split("-")[1:], self.json(path.name)) for path in sorted(self.folder.glob(pattern))]
        return [(parts, content) for parts, content in files if content]

    def order(self, precision):
        return ["f32", "mixed", "f16"].index(precision) if precision in ("f32", "mixed", "f16") else 9

    # Each of these is a section: its text, or "" if nothing was measured.

    def heading(self):
        about = self.text("about.txt").splitlines() + ["?", "?"]
        selftest = self.json("selftest.json") or {}
        profiles = self.all("profile-*.json")
        device = profiles[0][1]["device"] if profiles else {}
        name = device.get("name") or selftest.get("device", {}).get("adapter") or "A device"
        driver = device.get("driver") or selftest.get("device", {}).get("driver") or "unknown"
        cores = re.search(r"^\d+$", self.text("device.txt"), re.MULTILINE)
        torch = next((content["pytorch"] for _, content in self.all("pytorch-*.json")), None)
        line = f"Driver {driver}, {cores.group() + ' host cores, ' if cores else ''}commit {about[0]}."
        if torch:
            line += f" PyTorch {torch}."
        if profiles:
            roofs = profiles[0][1]["roofs"]
            line += f" Roofs: {digits(roofs['gflops'] / 1e3)} TFLOP/s (f32 multiply-adds), {digits(roofs['gbytes'] / 1e3)} TB/s (copy)"
            if roofs.get("matrix_gflops"):
                line += f", {digits(roofs['matrix_gflops'] / 1e3)} TFLOP/s (matrix units, f16 to f32)"
            line += "."
        return f"# {name}, {about[1]}\n\n{line} Medians, by `scripts/gpu.sh`.\n"

    def steps(self):
        rows = [line.split("\t") for line in self.text("steps.tsv").splitlines()]
        return self.section("Steps", table(["step", "s", "verdict"], [[name, took, verdict] for name, took, _, verdict in rows]))

    def evaluations(self):
        rows = []
        compared = {tuple(parts): content for parts, content in self.all("pytorch-*.json")}
        keys = {tuple(parts) for parts, _ in self.all("profile-*.json")} | set(compared)
        for size, precision in sorted(keys, key=lambda key: (int(key[0]), self.order(key[1]))):
            profile = self.json(f"profile-{size}-{precision}.json")
            alone = profile and profile["totals"]["wall"]["median"] * 1e3
            kernels = profile and profile["totals"]["kernels"]["median"] * 1e3
            turns = compared.get((size, precision), {"best": {}, "seconds": {}})
            ours = turns["seconds"].get("impasto", {}).get("median")
            others = [f"{name} {digits(best['median'] * 1e3)} ({digits(ours / best['median'])})" for name, best in turns["best"].items()]
            peak = profile and f"{profile['memory']['peak'] / 2**20:.0f} MiB"
            in_turns = digits(ours * 1e3) if ours else "-"
            rows.append([f"{size} x {size}", precision, digits(alone), digits(kernels), in_turns, "; ".join(others) or "-", peak or "-"])
        header = ["size", "precision", "ms", "of it kernels", "ms, in turns", "PyTorch, ms (ratio)", "memory, peak"]
        text = table(header, rows)
        if text:
            text += "\nThe ratio is Impasto's time over PyTorch's, of the faster layout; below 1 Impasto is faster.\n"
        return self.section("One evaluation", text)

    def kernels(self):
        """Where the time goes: of each profile the kernels that take the most."""
        text = ""
        for (size, precision), profile in sorted(self.all("profile-*.json"), key=lambda p: (int(p[0][0]), self.order(p[0][1]))):
            sums = {}
            for line in profile["kernels"]:
                sums.setdefault(line["kernel"], []).append(line)
            rows = []
            for kernel, lines in sorted(sums.items(), key=lambda item: -sum(line["seconds"]["median"] for line in item[1]))[:10]:
                seconds = sum(line["seconds"]["median"] for line in lines)
                flops, moved = (sum(line[what] for line in lines) for what in ("flops", "bytes"))
                launches = sum(line["launches"] for line in lines)
                part = self.of_roof(profile["roofs"], flops, moved, seconds, any(line.get("on_matrix_units") for line in lines))
                rates = [digits(flops / seconds * 1e-12), digits(moved / seconds * 1e-12)] if seconds else ["-", "-"]
                rows.append([f"`{kernel}`", launches, digits(seconds * 1e3), *rates, percent(part)])
            header = ["kernel", "launches", "ms", "TFLOP/s", "TB/s", "of roof"]
            text += f"\n{size} x {size}, {precision}:\n\n" + table(header, rows)
        return self.section("Where the time goes", text.lstrip())

    @staticmethod
    def of_roof(roofs, flops, moved, seconds, on_matrix_units):
        if not seconds:
            return None
        arithmetic = roofs.get("matrix_gflops") if on_matrix_units else roofs["gflops"]
        return max(flops / (arithmetic or roofs["gflops"]), moved / roofs["gbytes"]) * 1e-9 / seconds

    def start(self):
        rows = []
        for precision in ["f32", "mixed", "f16"]:
            tuned = re.search(r"(\d+) shapes timed in ([\d.]+) s", self.text(f"tuning-{precision}.txt"))
            runs = ((self.json("start.json") or {"runs": {}})["runs"]).get(precision)
            if tuned or runs:
                times = [f"{statistics.median(run[what] for run in runs):.2f}" if runs else "-" for what in ("first_evaluation", "end")]
                rows.append([precision, f"{tuned.group(2)} ({tuned.group(1)} shapes)" if tuned else "-", *times])
        header = ["precision", "tuning, s", "start to first evaluation, s", "to the picture of one evaluation, s"]
        return self.section("First use and start", table(header, rows))

    def losses(self):
        found = self.json("losses.json") or []
        precisions = [key for key in (found[0] if found else {}) if key not in ("size", "pair")]
        rows = []
        for row in found:
            cells = [digits(row["f32"])] + [f"{digits(row[p])} ({(row[p] / row['f32'] - 1) * 100:+.2f}%)" for p in precisions if p != "f32"]
            rows.append([row["size"], row["pair"], *cells])
        return self.section("Loss after 100 evaluations from the content image", table(["size", "pair", *precisions], rows))

    def memory(self):
        found = self.json("memory.json") or {}
        return self.section("Memory of a painting with ten pairs of L-BFGS", table(["precision", "tensors"], list(found.items())))

    def ladders(self):
        """The fastest variant of each pass, layer by layer."""
        rows, order = [], ["conv3x3", "gram"]
        for (precision, layer, _), record in sorted(self.all("ladder-*.json"), key=lambda l: (l[0][1], self.order(l[0][0]))):
            for ladder in record["ladders"]:
                if ladder["op"] not in order:
                    continue
                cells = [self.fastest(ladder, direction) for direction in ("forward", "backward")]
                rows.append((order.index(ladder["op"]), [ladder["op"], layer, precision, *cells]))
        rows = [cells for _, cells in sorted(rows, key=lambda row: row[0])]
        header = ["operation", "layer", "precision", "fastest forward (TFLOP/s of the definition, of roof)", "fastest backward"]
        return self.section("Ladders", table(header, rows))

    def lessons(self):
        """Every rung of the ladders that teach, at the size of the other operations."""
        rows = []
        for (precision, _, _), record in self.all("ladder-f32-*-all.json"):
            for ladder in record["ladders"]:
                timed = [(rung["name"], rung["passes"][0]) for rung in ladder["rungs"] if rung["passes"]]
                for name, timing in timed if ladder["op"] in ("matmul", "largest", "softmax") else []:
                    seconds = timing["seconds"]["median"]
                    part = percent((timing["of_roof"] or {}).get("part"))
                    rates = [digits(timing[what] / seconds * 1e-12) for what in ("flops", "bytes")]
                    rows.append([ladder["op"], name, " by ".join(ladder["inputs"]), digits(seconds * 1e3), *rates, part])
        return self.section("Ladders that teach", table(["ladder", "rung", "inputs", "ms", "TFLOP/s", "TB/s", "of roof"], rows))

    @staticmethod
    def fastest(ladder, direction):
        timed = [(p, rung) for rung in ladder["rungs"] for p in rung["passes"] if p["pass"] == direction]
        if not timed:
            return "-"
        best, rung = min(timed, key=lambda item: item[0]["seconds"]["median"])
        rate = best["direct_flops"] / best["seconds"]["median"] * 1e-12
        return f"`{rung['name']}` {digits(rate)}, {percent((best['of_roof'] or {}).get('part'))}"

    def others(self):
        """Operations with one implementation, against the roofs."""
        rows = []
        for (precision, layer, _), record in self.all("ladder-*-all.json"):
            for ladder in record["ladders"]:
                for timing in ladder["rungs"][0]["passes"] if len(ladder["rungs"]) == 1 else []:
                    rate = timing["bytes"] / timing["seconds"]["median"] * 1e-12
                    part = percent((timing["of_roof"] or {}).get("part"))
                    rows.append([ladder["op"], timing["pass"], layer, precision, digits(timing["seconds"]["median"] * 1e3), digits(rate), part])
        return self.section("Other operations", table(["operation", "pass", "layer", "precision", "ms", "TB/s", "of roof"], rows))

    @staticmethod
    def section(title, text):
        return f"\n## {title}\n\n{text}" if text else ""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    results = Results(sys.argv[1])
    parts = ["heading", "steps", "evaluations", "start", "memory", "losses", "kernels", "ladders", "lessons", "others"]
    print("".join(getattr(results, part)() for part in parts), end="")


if __name__ == "__main__":
    main()
