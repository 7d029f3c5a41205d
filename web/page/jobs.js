// The queue and the gallery: paintings that wait, and those that are done.

import { duration } from "./stage.js";

const WORDS = {
  waiting: "waiting", preparing: "preparing", asks: "asks for an answer", painting: "in progress", paused: "paused",
};

const element = (name, text, properties = {}) => Object.assign(document.createElement(name), { textContent: text, ...properties });

export class Jobs {
  #engine; #again; #list = document.getElementById("jobs"); #shown = new Map();

  // `again(job, file)` is called to start from a finished painting.
  constructor(engine, again) {
    [this.#engine, this.#again] = [engine, again];
  }

  // Newest first. An item is made again only if it changed, so that the focus stays where it is.
  show(jobs) {
    // One that is alone and in progress is on the stage already.
    const alone = jobs.length === 1 && ["preparing", "painting", "paused"].includes(jobs[0].state);
    document.getElementById("works").hidden = jobs.length === 0 || alone;
    const items = jobs.toReversed().map(job => {
      const signature = JSON.stringify({ ...job, preview: Boolean(job.preview) });
      const known = this.#shown.get(job.id);
      if (known?.signature === signature) return known.item;
      const item = this.#item(job);
      this.#shown.set(job.id, { signature, item });
      return item;
    });
    this.#list.replaceChildren(...items);
  }

  #item(job) {
    const item = element("li", "");
    item.dataset.state = job.state;
    if (job.preview) {
      const src = job.preview instanceof Blob ? URL.createObjectURL(job.preview) : job.preview;
      item.append(Object.assign(new Image(), { src, alt: `Painting: ${job.name}` }));
    }
    const text = element("div", "");
    text.append(element("h3", job.name));
    const [content, ...styles] = job.images ?? [];
    if (styles.length) text.append(element("p", `${content} in the style of ${styles.join(" and ")}`));
    text.append(element("p", this.#facts(job)));
    if (job.error) text.append(element("p", job.error, { className: "wrong" }));
    if (job.plan) text.append(element("p", job.plan.problem));
    const settings = this.#settings(job);
    if (settings) text.append(settings);
    const actions = element("p", "", { className: "actions" });
    actions.append(...this.#actions(job));
    text.append(actions);
    item.append(text);
    return item;
  }

  #facts({ state, width, height, evaluations, seconds }) {
    if (state in WORDS) return WORDS[state];
    if (state === "failed") return width ? "broke off" : "not painted";
    const end = state === "stopped" ? "stopped after " : "";
    return `${width} × ${height}, ${end}${evaluations} evaluations in ${duration(seconds)}`;
  }

  #settings({ state, settings }) {
    if (!["done", "stopped"].includes(state) || !settings) return null;
    const details = element("details", "");
    const list = element("dl", "");
    for (const [name, value] of Object.entries(settings)) list.append(element("dt", name), element("dd", String(value).replaceAll(",", ", ")));
    details.append(element("summary", "Settings"), list);
    return details;
  }

  #actions(job) {
    const button = (text, work) => {
      const button = element("button", text, { type: "button" });
      button.setAttribute("aria-label", `${text}: ${job.name}`);
      button.addEventListener("click", () => work().catch(error => this.#failed(button, error)));
      return button;
    };
    const { id, state, plan } = job;
    const actions = [];
    if (state === "asks") {
      if (plan.largest) actions.push(button(`Paint at ${plan.largest} pixels`, () => this.#engine.answer(id, plan.largest)));
      if (plan.possible) actions.push(button("Paint it all the same", () => this.#engine.answer(id, null)));
    }
    // A painting that failed half way may have left a picture.
    if (["done", "stopped", "failed"].includes(state) && job.width) {
      actions.push(button("Save", async () => download(await this.#engine.picture(id), `${job.name}.png`)));
    }
    if (["done", "stopped"].includes(state)) {
      actions.push(button("Start from it", async () => this.#again(job)));
    }
    if (!["preparing", "painting", "paused"].includes(state)) {
      actions.push(button("Remove", () => this.#engine.remove(id)));
    }
    return actions;
  }

  #failed(button, error) {
    const item = button.closest("li");
    item.querySelector(".failed")?.remove();
    item.querySelector("div").append(element("p", error.message, { className: "wrong failed", role: "alert" }));
  }
}

// Gives the user a file.
export function download(blob, name) {
  const link = element("a", "", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
