// The painting in progress: its picture, how far it is, and its losses.

const at = id => document.getElementById(id);
const NAMES = { total: "total", content: "photograph", style: "style" };

// "about 2 minutes", of seconds.
export function duration(seconds) {
  const number = (n, unit) => `${n} ${unit}${n === 1 ? "" : "s"}`;
  if (seconds < 90) return number(Math.max(1, Math.round(seconds)), "second");
  if (seconds < 5400) return number(Math.round(seconds / 60), "minute");
  return number(Math.round(seconds / 360) / 10, "hour");
}

export class Stage {
  #id = null;
  #wasHidden = false;

  constructor() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#wasHidden = true;
    });
  }

  // Shows a painting that begins or is in progress; null hides nothing: the last picture stays.
  show(job) {
    if (!job) {
      this.#buttons(false);
      at("progress").hidden = true;
      this.#id = null;
      return;
    }
    at("stage").hidden = false;
    at("empty").hidden = true;
    const paused = job.state === "paused";
    at("pause").textContent = paused ? "Go on" : "Pause";
    this.#buttons(job.state !== "preparing");
    if (job.id !== this.#id) {
      this.#id = job.id;
      this.#wasHidden = document.hidden;
      at("progress").hidden = false;
      at("progress").removeAttribute("value");
      this.curves([]);
    }
    if (job.state === "preparing") at("status").textContent = `${job.name}: preparing. The first time, the GPU's driver compiles for a while.`;
    if (paused) at("status").textContent = `${job.name}: paused.`;
  }

  #buttons(on) {
    for (const id of ["pause", "stop", "save"]) at(id).disabled = !on;
  }

  progress({ done, total, scale, scales, width, height, left, points }, job) {
    at("progress").max = total;
    at("progress").value = done;
    const parts = [`${done} of ${total} evaluations`, `${width} × ${height}`];
    if (scales > 1) parts[1] += ` (size ${scale} of ${scales})`;
    if (left !== null && done < total) parts.push(`about ${duration(left)} left`);
    const text = parts.join(", ");
    const slow = this.#wasHidden && !document.hidden ? " While this tab was in the background the browser may have slowed it down; keep it in sight." : "";
    if (job?.state !== "paused") at("status").textContent = `${text}.${slow}`;
    this.curves(points);
  }

  note(text) {
    at("status").textContent = text;
  }

  // An ImageBitmap or a Blob.
  async picture(picture) {
    const bitmap = picture instanceof Blob ? await createImageBitmap(picture) : picture;
    const canvas = at("canvas");
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  // One logarithmic axis for all curves; a loss of 0 has no place on it.
  curves(points) {
    const losses = points.flatMap(point => point.slice(1)).filter(loss => loss > 0);
    const low = Math.log(Math.min(...losses)), high = Math.log(Math.max(...losses));
    const first = points[0]?.[0] ?? 0, span = Math.max(1, (points.at(-1)?.[0] ?? 0) - first);
    Object.entries(NAMES).forEach(([name, words], k) => {
      const line = points.filter(point => point[k + 1] > 0).map(point =>
        `${400 * (point[0] - first) / span},${115 - 110 * (Math.log(point[k + 1]) - low) / (high - low || 1)}`);
      at(`curve-${name}`).setAttribute("points", line.join(" "));
      const last = points.at(-1)?.[k + 1];
      at(`now-${name}`).textContent = last === undefined ? words : `${words} ${last.toPrecision(3)}`;
    });
  }
}
