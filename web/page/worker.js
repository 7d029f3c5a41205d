// Runs the library as WebAssembly, away from the page, which stays responsive.
//
// Messages in: { id, call, given }; out: { id, value } or { id, error }, and { event, ... } meanwhile.

import "./files.js";
import * as engine from "./impasto_web.js";

const { files } = self;
const WEIGHTS = "impasto-weights";

// What the page wishes of the painting in progress: the numbers of web/engine/src/page.rs.
const STOP = 1, SAVE = 2, PICTURE = 4, PAUSE = 8;
let wishes = 0;
let wakeUp = null;
// Answers to `save`.
let savers = [];
let panic = "";

self.impastoPanicked = message => { panic = message; };

const send = (event, more, transfer = []) => postMessage({ event, ...more }, transfer);

// The functions that the engine calls while it works.
const page = {
  status: (text, share) => send("status", { text, share }),
  note: text => send("note", { text }),
  progress: json => send("progress", JSON.parse(json)),
  tuned: contents => send("tuned", { contents: new TextDecoder().decode(contents) }),
  wishes: () => wishes,
  picture(width, height, rgba) {
    wishes &= ~PICTURE;
    const pixels = new Uint8ClampedArray(rgba.buffer, rgba.byteOffset, rgba.byteLength);
    send("picture", { width, height, pixels }, [pixels.buffer]);
  },
  saved(png) {
    wishes &= ~SAVE;
    const file = new Blob([png], { type: "image/png" });
    if (savers.length === 0) send("rescued", { file });
    savers.splice(0).forEach(saver => saver(file));
  },
  turn: () => new Promise(resolve => {
    if (wishes & PAUSE) wakeUp = resolve;
    else setTimeout(resolve);
  }),
};

// The file of the weights, which the browser keeps.
async function weights() {
  const kept = await caches?.open(WEIGHTS).catch(() => null);
  const found = await kept?.match(files.weights);
  if (found) return new Uint8Array(await found.arrayBuffer());
  const answer = await fetch(files.weights);
  if (!answer.ok) throw new Error(`The weights of the network could not be loaded (${answer.status}): reload the page.`);
  const bytes = new Uint8Array(files.weightsBytes);
  let at = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > bytes.length) throw new Error("The weights are another version's: reload the page.");
    bytes.set(value, at);
    at += value.length;
    send("status", { text: "Loading the network, once", share: at / bytes.length });
  }
  if (at !== bytes.length) throw new Error("The weights of the network broke off: reload the page.");
  // Those of earlier versions go. Where nothing can be kept, they are loaded on each visit.
  for (const old of await kept?.keys().catch(() => []) ?? []) await kept.delete(old);
  await kept?.put(files.weights, new Response(bytes)).catch(() => {});
  return bytes;
}

const calls = {
  async open({ name, tuned }) {
    const loading = weights();
    loading.catch(() => {});
    await engine.default({ module_or_path: new URL("impasto_web_bg.wasm", import.meta.url) });
    const about = JSON.parse(engine.about());
    send("status", { text: "Opening the GPU", share: NaN });
    const { notes } = JSON.parse(await engine.open(name, new TextEncoder().encode(tuned)));
    engine.provide_weights(await loading);
    return { ...about, notes };
  },

  look({ name, bytes }) {
    const look = engine.look(name, bytes);
    const { json, preview } = look;
    look.free();
    return { ...JSON.parse(json), preview: new Blob([preview], { type: "image/png" }) };
  },

  async prepare({ names, files, settings, like }) {
    return JSON.parse(await engine.prepare(page, names, files, JSON.stringify(settings), JSON.stringify(like)));
  },

  async paint() {
    wishes = PICTURE;
    try {
      const painted = await engine.paint(page);
      const { json, png, preview } = painted;
      painted.free();
      const [file, small] = [png, preview].map(bytes => new Blob([bytes], { type: "image/png" }));
      savers.splice(0).forEach(saver => saver(file));
      return { ...JSON.parse(json), file, preview: small };
    } finally {
      wishes = 0;
    }
  },

  save: () => new Promise(resolve => {
    savers.push(resolve);
    wishes |= SAVE;
  }),

  selftest: ({ all }) => engine.selftest(page, all),
};

// Only one of these may be waiting for the device at a time.
const LONG = ["open", "prepare", "paint", "selftest"];
let last = Promise.resolve();

async function answer(id, call, given) {
  try {
    const work = () => calls[call](given);
    const result = LONG.includes(call) ? last = last.then(work, work) : work();
    postMessage({ id, value: await result });
  } catch (error) {
    // A trap of WebAssembly comes after a panic, whose message says more. Nothing works after it, or without the device.
    const fatal = error instanceof WebAssembly.RuntimeError || engine.is_lost();
    postMessage({ id, error: panic || error.message || String(error), fatal });
  }
}

function wish({ stop, pause, resume, picture }) {
  if (stop) wishes |= STOP;
  if (picture) wishes |= PICTURE;
  if (pause) wishes |= PAUSE;
  if (resume || stop) {
    wishes &= ~PAUSE;
    wakeUp?.();
    wakeUp = null;
  }
}

addEventListener("message", ({ data }) => data.wish ? wish(data.wish) : answer(data.id, data.call, data.given));
