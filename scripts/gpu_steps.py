"""Measurements of scripts/gpu.sh that take several runs of the program. Each writes JSON files into FOLDER.

    python3 scripts/gpu_steps.py [--device DEVICE] FOLDER start SIZE PRECISION...
    python3 scripts/gpu_steps.py [--device DEVICE] [--rounded] FOLDER losses SIZE,SIZE... PRECISION...
    python3 scripts/gpu_steps.py [--device DEVICE] FOLDER memory SIZE PRECISION...
    python3 scripts/gpu_steps.py [--device DEVICE] FOLDER ladders PRECISION SIZE LAYER,LAYER...|all

start     seconds from the start of `impasto paint` to the end of its first evaluation, and to its end: start.json
losses    the loss after 100 evaluations from the content image: losses.json. --rounded: with the convolutions of `rounded` in
          all precisions but f32, which are those of matrix units, for a device that has none
memory    what a painting with ten pairs of L-BFGS plans to take: memory.json
ladders   every variant at the layers, timed and not checked: ladder-PRECISION-LAYER-OPERATION.json

The program is bin/impasto beside the folder of this file; --program names another.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "bin/impasto"
PAIRS = [("cat", "swirl"), ("rocket", "facets"), ("astronaut", "mosaic")]
# The layers whose convolutions differ in shape.
LAYERS = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1", "conv4_2", "conv5_1"]
# At this layer also the operations that have one implementation.
ALL_AT = "conv2_1"


class Steps:
    def __init__(self, folder, program, device, rounded):
        self.folder, self.program, self.rounded = Path(folder), program, rounded
        self.device = ["--device", device] if device else []

    def command(self, *arguments):
        return [str(argument) for argument in [self.program, *arguments, *self.device]]

    def paint(self, folder, pair, size, *options):
        content, style = ROOT / f"assets/content-{pair[0]}.jpg", ROOT / f"assets/style-{pair[1]}.jpg"
        sizes = ["--size", size, "--scales", 1]
        return self.command("paint", content, style, "-o", f"{folder}/out.png", *sizes, *options)

    def write(self, name, value):
        (self.folder / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")

    def start(self, size, *precisions):
        found = {}
        for precision in precisions:
            runs = found[precision] = []
            for _ in range(3):
                with tempfile.TemporaryDirectory() as folder:
                    log = Path(folder, "log.jsonl")
                    options = ["--iterations", 1, "--precision", precision, "--log", log, "--quiet"]
                    began = time.perf_counter()
                    process = subprocess.Popen(self.paint(folder, PAIRS[0], size, *options))
                    while process.poll() is None and not (log.exists() and log.stat().st_size):
                        time.sleep(0.002)
                    first = time.perf_counter() - began
                    if process.wait():
                        sys.exit(f"impasto paint ended with exit status {process.returncode}")
                    runs.append({"first_evaluation": first, "end": time.perf_counter() - began})
            self.write("start", {"size": int(size), "runs": found})

    def losses(self, sizes, *precisions):
        found = []
        for size in map(int, sizes.split(",")):
            for pair in PAIRS:
                row = {"size": size, "pair": " in ".join(pair)}
                for precision in precisions:
                    with tempfile.TemporaryDirectory() as folder:
                        log = Path(folder, "log.jsonl")
                        options = ["--iterations", 100, "--init-noise", 0, "--precision", precision, "--log", log, "--quiet"]
                        if self.rounded and precision != "f32":
                            options += ["--kernel", "conv3x3=rounded"]
                        subprocess.run(self.paint(folder, pair, size, *options), check=True)
                        row[precision] = json.loads(log.read_text().splitlines()[-1])["total"]
                found.append(row)
                self.write("losses", found)
                print(row, flush=True)

    def memory(self, size, *precisions):
        found = {}
        for precision in precisions:
            with tempfile.TemporaryDirectory() as folder:
                options = ["--iterations", 2, "--history", 10, "--precision", precision, "--verbose"]
                done = subprocess.run(self.paint(folder, PAIRS[0], size, *options), capture_output=True, text=True)
                print(done.stderr, flush=True)
                done.check_returncode()
            lines = re.findall(r"^image: .*memory: (.*)$", done.stderr, re.MULTILINE)
            found[precision] = lines[-1] if lines else ""
            self.write("memory", found)

    def ladders(self, precision, size, layers):
        for layer in LAYERS if layers == "all" else layers.split(","):
            operations = ["conv3x3"] + ["gram"] * layer.endswith("_1")
            if layer == ALL_AT:
                operations = ["all"]
            for operation in operations:
                file = self.folder / f"ladder-{precision}-{layer}-{operation}.json"
                options = ["--no-check", "--seconds", 0.1, "--precision", precision, "--json", file, "--quiet"]
                command = self.command("kernels", "--op", operation, "--layer", layer, "--size", size, *options)
                done = subprocess.run(command, capture_output=True, text=True)
                print(done.stdout, done.stderr, flush=True)
                done.check_returncode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device")
    parser.add_argument("--program", default=PROGRAM)
    parser.add_argument("--rounded", action="store_true")
    parser.add_argument("folder")
    parser.add_argument("measurement", choices=["start", "losses", "memory", "ladders"])
    parser.add_argument("arguments", nargs="+")
    options = parser.parse_args()
    steps = Steps(options.folder, options.program, options.device, options.rounded)
    getattr(steps, options.measurement)(*options.arguments)


if __name__ == "__main__":
    main()
