"""The reference answer for Gatys style transfer: PyTorch, CPU, one page, written to be read.

Everything here is plain torch.nn.functional and torch.autograd, in float64 unless told otherwise.
    pip install torch safetensors pillow numpy        (any recent versions; CPU is enough)

    python nst_reference.py score CONTENT STYLE IMAGE [options]     losses of IMAGE, as JSON
    python nst_reference.py run CONTENT STYLE OUT.png [options]     L-BFGS or Adam, losses as JSON lines

Definitions (`gatys` objective, the authors' own code):
  x          the image as VGG19 sees it: BGR, 0..255, minus (103.939, 116.779, 123.68); [3, H, W].
             It is also the variable that is optimised.
  F_l(x)     the output of layer l AFTER its ReLU, [N_l, H_l*W_l]. Convolutions pad with zeros;
             pooling is 2x2, stride 2, odd rows and columns at the end are dropped.
             By default the network is normalised as in the paper: every unit is divided by its mean
             activation and the next layer multiplied by it, so the mean of each channel is about 1.
  G_l(x)     F_l F_l^T / (H_l W_l), [N_l, N_l].
  content    sum over content layers of  mean((F_l(x) - F_l(content))^2)
  style      sum over style layers of    (1000 / N_l^2) * mean((G_l(x) - G_l(style))^2)
  tv         sum of squared differences between horizontal and vertical neighbours of x, over 3HW
  total      content_weight * content + style_weight * style + tv_weight * tv
"""
import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load

LAYERS = [f"conv{b}_{i}" for b, n in enumerate([2, 2, 4, 4, 4], 1) for i in range(1, n + 1)]
MEAN_BGR = torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
HERE = Path(__file__).resolve().parent


def load_weights(path, dtype, network):
    """{layer: (weight [O,I,3,3], bias [O])} from the codebook safetensors, a file or the folder of its two parts."""
    path = Path(path)
    parts = sorted(path.glob("part?/vgg19.safetensors.?")) if path.is_dir() else [path]
    t = load(b"".join(part.read_bytes() for part in parts))
    weights, before = {}, torch.ones(3, dtype=dtype)
    for n in LAYERS:
        w = t[f"{n}.weight.codebook"].to(dtype)[t[f"{n}.weight.codes"].long()]
        b = t[f"{n}.bias"].to(dtype)
        if network == "normalised":
            mean = t[f"{n}.mean_activation"].to(dtype)
            w, b = w * before.view(1, -1, 1, 1) / mean.view(-1, 1, 1, 1), b / mean
            before = mean
        weights[n] = w, b
    return weights


def to_network(rgb):
    """[H, W, 3] RGB 0..255 -> x, [3, H, W]."""
    return (rgb.permute(2, 0, 1).flip(0) - MEAN_BGR.to(rgb.dtype)).contiguous()


def load_image(path, dtype):
    """RGB file -> x. No resizing: give it files of the size you mean."""
    return to_network(torch.from_numpy(np.array(Image.open(path).convert("RGB"))).to(dtype))


def to_image(x):
    rgb = (x.detach() + MEAN_BGR.to(x.dtype)).flip(0).permute(1, 2, 0)
    return Image.fromarray(rgb.round().clamp(0, 255).to(torch.uint8).numpy())


def features(x, weights, wanted, pool):
    out, wanted = {}, set(wanted)
    h = x[None]
    for name in LAYERS:
        if name.endswith("_1") and name != "conv1_1":
            h = F.max_pool2d(h, 2) if pool == "max" else F.avg_pool2d(h, 2)
        h = F.relu(F.conv2d(h, *weights[name], padding=1))
        if name in wanted:
            out[name] = h[0]
            if len(out) == len(wanted):
                return out
    raise ValueError(f"unknown layers: {wanted - set(out)}")


def gram(f):
    f = f.flatten(1)
    return f @ f.T / f.shape[1]


class Objective:
    def __init__(self, content, style, o):
        self.o, self.weights = o, load_weights(o.weights, content.dtype, o.network)
        with torch.no_grad():
            self.content = features(content, self.weights, o.content_layers, o.pool)
            self.style = {k: gram(v) for k, v in features(style, self.weights, o.style_layers, o.pool).items()}

    def __call__(self, x):
        """(total, {term: value}); every value is a scalar tensor on the graph."""
        o = self.o
        f = features(x, self.weights, set(o.content_layers) | set(o.style_layers), o.pool)
        content = {l: ((f[l] - self.content[l]) ** 2).mean() for l in o.content_layers}
        style = {l: 1000 / f[l].shape[0] ** 2 * ((gram(f[l]) - self.style[l]) ** 2).mean() for l in o.style_layers}
        tv = (((x[:, 1:] - x[:, :-1]) ** 2).sum() + ((x[:, :, 1:] - x[:, :, :-1]) ** 2).sum()) / x.numel()
        c, s = sum(content.values()), sum(style.values())
        total = o.content_weight * c + o.style_weight * s + o.tv_weight * tv
        return total, {"total": total, "content": c, "style": s, "tv": tv, "content_layers": content, "style_layers": style}


def plain(terms):
    return {k: plain(v) if isinstance(v, dict) else float(v.detach()) for k, v in terms.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["score", "run"])
    p.add_argument("content"), p.add_argument("style"), p.add_argument("image")
    p.add_argument("--weights", default=HERE.parent.parent / "weights")
    p.add_argument("--content-layers", type=lambda s: s.split(","), default=["conv4_2"])
    p.add_argument("--style-layers", type=lambda s: s.split(","), default=[f"conv{b}_1" for b in range(1, 6)])
    p.add_argument("--content-weight", type=float, default=1.0)
    p.add_argument("--style-weight", type=float, default=1000.0)
    p.add_argument("--tv-weight", type=float, default=0.0)
    p.add_argument("--network", choices=["normalised", "raw"], default="normalised")
    p.add_argument("--pool", choices=["max", "avg"], default="max")
    p.add_argument("--optimizer", choices=["lbfgs", "adam"], default="lbfgs")
    p.add_argument("--lr", type=float, help="default 1 for lbfgs, 2 for adam")
    p.add_argument("--iterations", type=int, default=100, help="evaluations of the objective")
    p.add_argument("--init", help="image to start from; the content image if not given")
    p.add_argument("--dtype", choices=["float32", "float64"], default="float64")
    p.add_argument("--gradient", help="score: also save d total/d x as .npy, [3, H, W] in BGR")
    o = p.parse_args()
    dtype = getattr(torch, o.dtype)

    content, style = load_image(o.content, dtype), load_image(o.style, dtype)
    objective = Objective(content, style, o)
    if o.command == "score":
        x = load_image(o.image, dtype).requires_grad_()
        total, terms = objective(x)
        if o.gradient:
            total.backward()
            np.save(o.gradient, x.grad.numpy())
        print(json.dumps(plain(terms)))
        return

    x = load_image(o.init or o.content, dtype).clone().requires_grad_()
    if o.optimizer == "lbfgs":  # the authors' settings: no line search, history 100
        optimizer = torch.optim.LBFGS([x], lr=o.lr or 1.0, max_iter=o.iterations, max_eval=o.iterations,
                                      history_size=100, tolerance_grad=-1, tolerance_change=-1)
    else:
        optimizer = torch.optim.Adam([x], lr=o.lr or 2.0)
    count, start = 0, time.perf_counter()

    def closure():
        nonlocal count
        optimizer.zero_grad()
        total, terms = objective(x)
        total.backward()
        print(json.dumps({"iteration": count, "seconds": round(time.perf_counter() - start, 3), **plain(terms)}), flush=True)
        count += 1
        return total

    while count < o.iterations:
        optimizer.step(closure)
    to_image(x).save(o.image)


if __name__ == "__main__":
    sys.exit(main())
