"""Impasto and PyTorch on the same work, in turns, in the same minutes. With --burn also burn.

    cargo build --release
    pip install torch safetensors pillow numpy        (any recent versions; CPU or CUDA)
    python benches/against_pytorch.py --size 512 --json result.json
    python benches/against_pytorch.py --size 512 --precision f16
    python benches/against_pytorch.py --size 256 --burn

The work is one evaluation of the default objective: the loss and its gradient at a picture of --size x --size
pixels. Before anything is timed, both compute the loss of the same pictures, and the program stops if they differ.
Impasto's time is the wall time of `impasto profile`, evaluations submitted one behind the other. PyTorch runs
tests/reference/nst_reference.py with its Gram matrix written for the layout, and cuDNN free to try its algorithms, in both
layouts; the faster one counts. --precision compares like with like:

    f32     with strict float32; TF32 is shown beside it
    mixed   with TF32 in convolutions, PyTorch's default
    f16     with TF32, and with autocast to float16: Gram matrices and losses in float32, the loss scaled by a power of two

On the CPU PyTorch runs in strict float32 in any case.
--burn builds the program in benches/against_burn, which computes the same in burn through Vulkan, on the adapter that
burn chooses. Its loss must be Impasto's, and its gradient as long as PyTorch's. Evaluations before the first round
let its autotuner finish. An evaluation of burn ends when its loss and gradient are back on the host.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def fail(message):
    sys.exit(f"error: {message}")


try:
    import numpy as np
    import torch
    from PIL import Image

    sys.path.insert(0, str(ROOT / "tests/reference"))
    import nst_reference as reference
except ImportError as missing:
    fail(f"{missing.name} is missing: pip install torch safetensors pillow numpy")


STRICT, TF32, F16 = "strict f32", "TF32", "autocast f16"
# What each precision of Impasto is compared with on a GPU.
LIKE = {"f32": [STRICT, TF32], "mixed": [TF32], "f16": [TF32, F16]}
# How far losses may be apart for it to be the same work.
RELATIVE = {STRICT: 1e-3, TF32: 1e-2, F16: 2e-2}


class Impasto:
    """The program, run anew for each round."""

    def __init__(self, program, device, precision):
        self.program, self.device = program, ["--device", device] if device else []
        self.precision = ["--precision", precision]
        self.name, self.adapter = "impasto", ""

    def run(self, *arguments):
        options = [*self.precision, *self.device, "--quiet"]
        done = subprocess.run([self.program, *arguments, *options], capture_output=True, text=True)
        if done.returncode:
            fail(f"impasto {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def loss(self, content, style, picture):
        return json.loads(self.run("score", content, style, picture))["total"]

    def round(self, size, evaluations):
        """The median of some evaluations, in seconds."""
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "profile.json")
            self.run("profile", "--size", str(size), "--evaluations", str(evaluations), "--json", file)
            profile = json.loads(Path(file).read_text())
        self.adapter = f"{profile['device']['name']}, {profile['device']['driver']}"
        return profile["totals"]["wall"]["median"]


class Pytorch:
    """The reference on a device, in one layout and one arithmetic: strict f32, TF32 or autocast f16."""

    def __init__(self, device, layout, arithmetic, pictures):
        self.device, self.arithmetic = device, arithmetic
        self.name = f"pytorch {device}, {layout.replace('_', ' ')}, {arithmetic}"
        options = argparse.Namespace(
            weights=ROOT / "weights", network="normalised", pool="max", content_layers=["conv4_2"],
            style_layers=[f"conv{block}_1" for block in range(1, 6)], content_weight=1.0, style_weight=1000.0,
            tv_weight=0.0)
        content, style, x = (reference.load_image(path, torch.float32) for path in pictures)
        self.objective = reference.Objective(content, style, options)
        place = lambda tensor: tensor.to(device, memory_format=getattr(torch, layout)) if tensor.dim() == 4 else tensor.to(device)
        on_device = lambda terms: {name: place(value) for name, value in terms.items()}
        self.objective.weights = {name: (place(w), place(b)) for name, (w, b) in self.objective.weights.items()}
        self.objective.content = on_device(self.objective.content)
        self.objective.style = on_device(self.objective.style)
        self.x = x.to(device).requires_grad_()
        self.scale = self.find_scale() if arithmetic == F16 else 1.0

    def evaluate(self):
        # PyTorch's default allows it in convolutions and not in matrix products.
        torch.backends.cudnn.allow_tf32 = self.arithmetic == TF32
        with torch.autocast(self.device, dtype=torch.float16, enabled=self.arithmetic == F16):
            total, _ = self.objective(self.x)
        if self.arithmetic != F16:
            return total, torch.autograd.grad(total, self.x)[0]
        (gradient,) = torch.autograd.grad(total * self.scale, self.x)
        return total, gradient / self.scale

    def find_scale(self):
        """As torch.amp.GradScaler finds it: the largest power of two that overflows no gradient."""
        self.scale = 65536.0
        while self.scale > 1e-6 and not self.evaluate()[1].isfinite().all():
            self.scale /= 2
        return self.scale

    def answer(self):
        """The loss, and the length of its gradient."""
        loss, gradient = self.evaluate()
        return float(loss.detach()), float(gradient.norm())

    def wait(self):
        if self.device != "cpu":
            torch.cuda.synchronize()

    def round(self, evaluations):
        """The median of some batches of evaluations, in seconds for one."""
        self.evaluate()
        self.wait()
        start = time.perf_counter()
        self.evaluate()
        self.wait()
        # Batches of 50 ms at least, as Impasto's: waiting for the last of a batch is to count for little.
        batch = max(1, round(0.05 / (time.perf_counter() - start)))
        times = []
        for _ in range(evaluations):
            start = time.perf_counter()
            for _ in range(batch):
                self.evaluate()
            self.wait()
            times.append((time.perf_counter() - start) / batch)
        return statistics.median(times)


class Burn:
    """The program in benches/against_burn: a process that evaluates once for each line that it gets."""

    def __init__(self, program, pictures):
        self.name, self.arithmetic = "burn", STRICT
        self.process = subprocess.Popen([program, *pictures], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # Kernels are compiled and the autotuner tries them as they are first used.
        for _ in range(2):
            self.evaluate()

    def evaluate(self):
        """Seconds, the loss, and the length of its gradient."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            fail("burn's program ended")
        return tuple(map(float, line.split()))

    def answer(self):
        return self.evaluate()[1:]

    def round(self, evaluations):
        """The median of some evaluations, in seconds."""
        return statistics.median(self.evaluate()[0] for _ in range(evaluations))


def build_burn(features):
    folder = ROOT / "benches/against_burn"
    command = ["cargo", "build", "--release", "--locked", "--message-format", "json", "--features", features]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        fail("burn's program does not build")
    return [json.loads(line).get("executable") for line in done.stdout.splitlines() if '"executable":"' in line][-1]


def gram(features):
    """As the reference has it, without copying features whose channels lie last. Under autocast in float32, since a sum over
    an image does not fit float16."""
    with torch.autocast(features.device.type, enabled=False):
        return gram_of(features.float())


def gram_of(features):
    rows = features.permute(1, 2, 0)
    if not rows.is_contiguous():
        flat = features.flatten(1)
        return flat @ flat.T / flat.shape[1]
    rows = rows.reshape(-1, features.shape[0])
    return rows.T @ rows / rows.shape[0]


def make_pictures(folder, size):
    """Content, style and a picture between the two, as PNG files of one size."""
    content = Image.open(ROOT / "assets/content-cat.jpg").convert("RGB").resize((size, size))
    style = Image.open(ROOT / "assets/style-swirl.jpg").convert("RGB").resize((size, size))
    files = []
    for name, image in [("content", content), ("style", style), ("picture", Image.blend(content, style, 0.5))]:
        files.append(os.path.join(folder, f"{name}.png"))
        image.save(files[-1])
    return files


def contenders(precision, pictures):
    layouts = ["channels_last", "contiguous_format"]
    device, like = ("cuda", LIKE[precision]) if torch.cuda.is_available() else ("cpu", [STRICT])
    return [Pytorch(device, layout, arithmetic, pictures) for arithmetic in like for layout in layouts]


def check_same_work(impasto, others, pictures):
    want = impasto.loss(*pictures)
    ours = RELATIVE[dict(zip(LIKE, [STRICT, TF32, F16]))[impasto.precision[1]]]
    length = None
    for other in others:
        got, got_length = other.answer()
        length = length or got_length
        allowed = max(ours, RELATIVE[other.arithmetic])
        if not abs(got / want - 1) <= allowed:
            fail(f"not the same work: impasto's loss is {want}, that of {other.name} is {got}")
        if not abs(got_length / length - 1) <= max(1e-2, allowed):
            fail(f"not the same work: gradients of {others[0].name} and {other.name} are {length} and {got_length} long")
    print(f"all compute the same loss, {want:.6g}")


def report(times):
    ours = statistics.median(times["impasto"])
    width = max(len(name) for name in times)
    print(f"{'':{width}}   median ms   lowest  highest   other / impasto")
    result = {}
    for name, rounds in times.items():
        median = statistics.median(rounds)
        ratio = median / ours
        shown = "" if name == "impasto" else f"{ratio:20.3f}"
        print(f"{name:{width}}  {median * 1e3:10.2f} {min(rounds) * 1e3:8.2f} {max(rounds) * 1e3:8.2f}{shown}")
        result[name] = {"median": median, "lowest": min(rounds), "highest": max(rounds), "rounds": rounds, "ratio": ratio}
    return result


def best(times, others):
    """The medians of the faster layout, by the arithmetic of what was compared."""
    found = {}
    for other in others:
        median = statistics.median(times[other.name])
        name = "burn" if isinstance(other, Burn) else other.arithmetic
        if name not in found or median < found[name]["median"]:
            found[name] = {"side": other.name, "median": median}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="width and height of the picture")
    parser.add_argument("--precision", choices=list(LIKE), default="f32", help="as the program's own --precision takes it")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each side gets")
    parser.add_argument("--evaluations", type=int, default=5, help="evaluations, or batches of them, in a turn")
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--threads", type=int, default=threads, help="PyTorch's threads on the CPU")
    parser.add_argument("--device", help="Impasto's adapter, as its own --device takes it")
    parser.add_argument("--impasto", default=ROOT / "target/release/impasto", help="the program")
    parser.add_argument("--burn", action="store_true", help="also burn; builds benches/against_burn first")
    parser.add_argument("--burn-features", default="", help="features of that program: fusion, spirv")
    parser.add_argument("--json", type=Path, help="also write the times, in seconds, to this file")
    options = parser.parse_args()
    if not Path(options.impasto).exists():
        fail(f"{options.impasto} does not exist: run 'cargo build --release' first")
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = True
    reference.gram = gram

    impasto = Impasto(str(options.impasto), options.device, options.precision)
    with tempfile.TemporaryDirectory() as folder:
        pictures = make_pictures(folder, options.size)
        others = contenders(options.precision, pictures)
        if options.burn:
            others.append(Burn(build_burn(options.burn_features), pictures))
        check_same_work(impasto, others, pictures)
    times = {side.name: [] for side in [impasto, *others]}
    for turn in range(options.rounds):
        times["impasto"].append(impasto.round(options.size, options.evaluations))
        for other in others:
            times[other.name].append(other.round(options.evaluations))
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)

    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {options.threads} threads"
    print(f"impasto on {impasto.adapter}\npytorch {torch.__version__} on {where}")
    print(f"one evaluation, loss and gradient, {options.size} x {options.size} pixels, {options.precision}")
    result, fastest = report(times), best(times, others)
    ours = result["impasto"]["median"]
    for name, side in fastest.items():
        print(f"impasto / {name}: {ours / side['median']:.3f} ({side['side']})")
    if options.json:
        about = {"size": options.size, "precision": options.precision, "best": fastest, "adapter": impasto.adapter, "pytorch": torch.__version__, "pytorch_device": where}
        options.json.write_text(json.dumps({**about, "seconds": result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
