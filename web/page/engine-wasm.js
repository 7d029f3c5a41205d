// The engine that paints in this browser: see engine.js. It keeps the queue and the gallery of this visit; worker.js does the
// work.

import { Refusal } from "./refusal.js";

const PROGRAM = "The program for this computer needs no browser features: see “Install” in the book.";

// What the browser lacks, or null.
export function missing() {
  if (!self.isSecureContext) {
    return new Refusal("This page was not loaded over a secure connection, and browsers give no GPU to such pages.",
      "Open it by an address that begins with https, or on this computer by one that begins with http://127.0.0.1.");
  }
  if (!navigator.gpu) {
    return new Refusal("This browser has no WebGPU, with which the page paints.",
      `Use a recent Chrome, Edge or Firefox. In Firefox on Linux it has to be switched on: dom.webgpu.enabled in about:config. ${PROGRAM}`);
  }
  if (!("Suspending" in WebAssembly)) {
    return new Refusal("This browser has no JavaScript Promise Integration (JSPI), which the page needs to wait for the GPU.",
      `Use Chrome or Edge from version 137 or Firefox from 153. Safari does not have it yet. ${PROGRAM}`);
  }
  return null;
}

// A name for people, and whether the adapter is a program on the processor.
async function adapter() {
  const found = await navigator.gpu.requestAdapter().catch(() => null);
  if (!found) {
    throw new Refusal("This browser has WebGPU, but gives the page no GPU.",
      `Switch on “graphics acceleration” in the browser's settings, update the graphics driver, and start the browser again. ${PROGRAM}`);
  }
  const { vendor, architecture, description } = found.info;
  const words = [vendor, architecture].filter(Boolean).map(word => word[0].toUpperCase() + word.slice(1));
  return description || words.join(" ") || "this browser's GPU";
}

// Keeps the page for visits without a network. Nothing depends on it.
function keepOffline() {
  navigator.serviceWorker?.register("sw.js").catch(error => console.log(`not kept for offline use: ${error.message}`));
}

const KERNELS = "impasto-kernels";

// What the tuner found out, by GPU and browser.
function tuned(name) {
  try {
    const kept = JSON.parse(localStorage.getItem(KERNELS) ?? "{}");
    return kept.key === key(name) ? kept.contents : "";
  } catch {
    return "";
  }
}

function keepTuned(name, contents) {
  try {
    localStorage.setItem(KERNELS, JSON.stringify({ key: key(name), contents }));
  } catch {
    // Without storage the kernels are timed again on the next visit.
  }
}

// Another version of the browser compiles kernels in another way.
const key = name => `${name}, ${navigator.userAgent}`;

export async function open(status) {
  const reason = missing();
  if (reason) throw reason;
  const name = await adapter();
  keepOffline();
  const engine = new Engine(name, status);
  await engine.begin();
  return engine;
}

class Engine {
  #name; #status; #worker; #calls = new Map(); #number = 0;
  #listeners = []; #jobs = []; #running = null; #lastPicture = 0;

  constructor(name, status) {
    [this.#name, this.#status] = [name, status];
  }

  // Starts the worker, again after it failed.
  async begin() {
    this.#worker?.terminate();
    this.#worker = new Worker("worker.js", { type: "module" });
    this.#worker.onmessage = ({ data }) => "event" in data ? this.#event(data) : this.#answered(data);
    this.#worker.onerror = error => this.#failAll(error.message || "The engine could not be loaded: reload the page.");
    const { version, presets, defaults, notes } = await this.#call("open", { name: this.#name, tuned: tuned(this.#name) });
    this.info = {
      version, presets, defaults, notes, device: this.#name,
      where: "Everything stays on this computer. Pictures and paintings are in this tab and gone when it is closed; save what you like.",
      can: { add: true, keep: false, pause: true, selftest: true },
    };
  }

  #call(call, given) {
    return new Promise((resolve, reject) => {
      const id = ++this.#number;
      this.#calls.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call, given });
    });
  }

  #answered({ id, value, error, fatal }) {
    const { resolve, reject } = this.#calls.get(id);
    this.#calls.delete(id);
    if (error === undefined) return resolve(value);
    reject(new Error(error));
    if (fatal) this.#failAll(`The engine failed and starts anew. (${error})`);
  }

  #failAll(message) {
    const waiting = [...this.#calls.values()];
    this.#calls.clear();
    this.#worker.terminate();
    this.#worker = null;
    waiting.forEach(({ reject }) => reject(new Error(message)));
  }

  #event({ event, ...more }) {
    if (event === "status") {
      this.#status(more.text, more.share);
      if (this.#running) this.#tell({ type: "note", text: `${more.text}…` });
    } else if (event === "note") {
      this.#onNote ? this.#onNote(more.text) : this.#tell({ type: "note", text: more.text });
    } else if (event === "tuned") {
      keepTuned(this.#name, more.contents);
    } else if (event === "progress") {
      this.#tell({ type: "progress", id: this.#running?.id, ...more });
      this.#wishForPicture();
    } else if (event === "picture") {
      this.#picture(more);
    } else if (event === "rescued" && this.#running) {
      this.#running.file = more.file;
    }
  }
  #onNote = null;

  // Some times a second, while somebody may look.
  #wishForPicture() {
    const now = performance.now();
    if (document.hidden || now - this.#lastPicture < 400) return;
    this.#lastPicture = now;
    this.#worker.postMessage({ wish: { picture: true } });
  }

  async #picture({ width, height, pixels }) {
    const picture = await createImageBitmap(new ImageData(pixels, width, height));
    this.#tell({ type: "picture", picture });
  }

  #tell(event) {
    this.#listeners.forEach(listener => listener(event));
  }

  #changed() {
    const shown = ({ id, name, added, state, settings, images, width, height, evaluations, seconds, preview, error, plan }) =>
      ({ id, name, added, state, settings, images, width, height, evaluations, seconds, preview, error, plan });
    this.#tell({ type: "jobs", jobs: this.#jobs.map(shown) });
  }

  #set(job, more) {
    Object.assign(job, more);
    this.#changed();
  }

  listen(listener) {
    this.#listeners.push(listener);
    this.#changed();
  }

  async look(file) {
    return this.#call("look", { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
  }

  async add({ content, styles, settings, like }) {
    const stem = name => name.replace(/\.[^.]*$/, "");
    const job = {
      id: String(++this.#number), state: "waiting", added: Date.now(), settings, like, files: [content, ...styles],
      images: [content, ...styles].map(file => file.name), name: `${stem(content.name)}-${stem(styles[0].name)}`,
    };
    this.#jobs.push(job);
    this.#changed();
    this.#next();
    return job.id;
  }

  #job(id) {
    const job = this.#jobs.find(job => job.id === id);
    if (!job) throw new Error("This painting is gone: add it again.");
    return job;
  }

  async answer(id, size) {
    const job = this.#job(id);
    job.asked = true;
    if (size !== null) job.settings = { ...job.settings, size: String(size) };
    this.#set(job, { state: "waiting", plan: undefined });
    this.#next();
  }

  async remove(id) {
    const job = this.#job(id);
    if (job === this.#running) throw new Error("This painting is in progress: stop it first.");
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    this.#changed();
  }

  async picture(id) {
    const { file } = this.#job(id);
    if (!file) throw new Error("This painting has no picture.");
    return file;
  }

  async pause() {
    this.#worker.postMessage({ wish: { pause: true } });
    if (this.#running?.state === "painting") this.#set(this.#running, { state: "paused" });
  }

  async resume() {
    this.#worker.postMessage({ wish: { resume: true } });
    if (this.#running?.state === "paused") this.#set(this.#running, { state: "painting" });
  }

  async stop() {
    if (this.#running) this.#running.stopping = true;
    this.#worker.postMessage({ wish: { stop: true } });
  }

  save() {
    if (!["painting", "paused"].includes(this.#running?.state)) return Promise.reject(new Error("Nothing is being painted."));
    // A painting that is paused takes one step, after which its picture is read.
    if (this.#running.state === "paused") this.resume().then(() => this.pause());
    return this.#call("save");
  }

  async selftest(report, all = true) {
    this.#onNote = report;
    try {
      return await this.#call("selftest", { all });
    } finally {
      this.#onNote = null;
    }
  }

  // Paints what waits, one after the other.
  async #next() {
    const job = this.#jobs.find(job => job.state === "waiting");
    if (this.#running || !job) return;
    this.#running = job;
    this.#set(job, { state: "preparing" });
    try {
      if (!this.#worker) await this.begin();
      await this.#paint(job);
    } catch (error) {
      // Without a picture that was rescued it has no size.
      this.#set(job, { state: "failed", error: error.message, ...job.file ? {} : { width: undefined, height: undefined } });
    }
    this.#running = null;
    this.#next();
  }

  async #paint(job) {
    const files = await Promise.all(job.files.map(async file => new Uint8Array(await file.arrayBuffer())));
    const names = job.files.map(file => file.name);
    const plan = await this.#call("prepare", { names, files, settings: job.settings, like: job.like });
    if (!plan.fits && !(job.asked && plan.possible)) return this.#set(job, { state: "asks", plan });
    if (job.stopping) return this.#set(job, { state: "failed", error: "Stopped before it began." });
    this.#set(job, { state: "painting", width: plan.width, height: plan.height });
    this.#set(job, await this.#call("paint"));
  }
}
