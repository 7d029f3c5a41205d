"""web_files.py DIST WEIGHTS...: completes the folder of the page with the weights and files.js, and prints the sizes.

files.js names the weights and lists what the service worker keeps. Its version changes with any file.
"""

import gzip
import hashlib
import json
import sys
from pathlib import Path


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def main(dist: Path, weights: list[Path]) -> None:
    data = b"".join(part.read_bytes() for part in weights)
    name = f"weights-{digest(data)}.safetensors"
    (dist / name).write_bytes(data)
    # A photograph that the page does not offer is not served.
    offered = (dist / "samples.js").read_text()
    for sample in (dist / "samples").iterdir():
        if sample.name not in offered:
            sample.unlink()
    paths = [path for path in sorted(dist.rglob("*")) if path.is_file() and path.name not in (name, "files.js")]
    contents = {path.relative_to(dist).as_posix(): path.read_bytes() for path in paths}
    version = digest(b"".join(key.encode() + value for key, value in contents.items()) + name.encode())
    # The service worker keeps all but itself; "./" is the page by its folder.
    kept = ["./", "files.js", *(key for key in contents if key != "sw.js")]
    files = {"version": version, "weights": name, "weightsBytes": len(data), "kept": kept}
    (dist / "files.js").write_text(f"// Written by scripts/web.sh.\nself.files = {json.dumps(files, indent=1)};\n")
    packed = {key: len(gzip.compress(value, 9)) for key, value in contents.items()}
    code = sum(size for key, size in packed.items() if not key.startswith("samples/"))
    wasm = "impasto_web_bg.wasm"
    print(
        f"{dist}: WebAssembly {len(contents[wasm]) / 1e6:.2f} MB ({packed[wasm] / 1e6:.2f} gzipped), all code {code / 1e6:.2f} MB"
        f" gzipped, weights {len(data) / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
