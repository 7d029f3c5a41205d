// The engine behind a server on this machine: `impasto studio`, and the page of `--view`. See engine.js for the interface.
//
// The server is asked for its state some times a second. A request with files is a line of JSON that describes them, and then
// the files: names are for people, and never become paths.

import { Refusal } from "./refusal.js";

const BUSY = 400, IDLE = 1500, HIDDEN = 5000; // milliseconds between two looks

export async function open(status) {
  status("Asking the program on this computer", null);
  try {
    return new Engine(await (await ask("info")).json());
  } catch (error) {
    throw new Refusal(error.message, "Start impasto again, and open the address that it prints.");
  }
}

// An answer of the server, or an error with its sentence.
async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(`api/${path}`, body === undefined ? {} : { method: "POST", body });
  } catch {
    throw new Error("The program does not answer: it has ended, or another studio took its place. Start it again.");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Error(told.error ?? `The program answers ${answer.status}: start it again.`);
}

const line = value => JSON.stringify(value) + "\n";

// The body of a request with files.
function withFiles(files, more = {}) {
  return new Blob([line({ ...more, files: files.map(file => ({ name: file.name, size: file.size })) }), ...files]);
}

class Engine {
  #listener = null; #sum = ""; #note = 0; #images = 0; #jobs = []; #timer = null; #lost = false;

  constructor(info) {
    this.info = info;
  }

  async look(file) {
    this.#check(file);
    const bytes = new Uint8Array(await (await ask("look", withFiles([file]))).arrayBuffer());
    const end = bytes.indexOf(10);
    const known = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    return { ...known, preview: new Blob([bytes.subarray(end + 1)], { type: "image/png" }) };
  }

  async add({ content, styles, settings, like }) {
    const files = [content, ...styles];
    files.forEach(file => this.#check(file));
    const { id } = await (await ask("add", withFiles(files, { settings, like }))).json();
    this.#soon();
    return id;
  }

  // The program would refuse it too, after it has come.
  #check({ name, size }) {
    if (size > this.info.mostOfFile) {
      throw new Error(`${name} has ${Math.ceil(size / 2 ** 20)} MiB, and the studio takes ${this.info.mostOfFile / 2 ** 20}: make the picture smaller.`);
    }
  }

  async answer() {
    throw new Error("No painting asks: the program paints in tiles what does not fit.");
  }

  async remove(id) {
    await ask("remove", line({ id }));
    this.#soon();
  }

  async picture(id) {
    return (await ask(`picture/${id}.png`)).blob();
  }

  pause() {
    return this.#act("pause");
  }

  resume() {
    return this.#act("resume");
  }

  stop() {
    return this.#act("stop");
  }

  async #act(what) {
    await ask(what, "");
    this.#soon();
  }

  async save() {
    return (await ask("save", "")).blob();
  }

  listen(listener) {
    this.#listener = listener;
    document.addEventListener("visibilitychange", () => this.#soon());
    this.#soon();
  }

  // Looks now.
  #soon() {
    clearTimeout(this.#timer);
    if (!this.#lost) this.#timer = setTimeout(() => this.#follow(), 0);
  }

  async #follow() {
    let busy = false;
    try {
      busy = await this.#tell(await (await ask(`state?jobs=${this.#sum}&note=${this.#note}`)).json());
    } catch (error) {
      this.#lost = true;
      const ended = "The painting has ended: its picture is where the command was told to write it.";
      return this.#listener({ type: "lost", text: this.info.can.add ? error.message : ended });
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#follow(), document.hidden ? HIDDEN : busy ? BUSY : IDLE);
  }

  // Passes on what has changed; true while a painting is in progress.
  async #tell({ jobs, sum, progress, images, notes, note }) {
    if (jobs) {
      [this.#jobs, this.#sum] = [jobs, sum];
      this.#listener({ type: "jobs", jobs });
    }
    if (progress) this.#listener({ type: "progress", ...progress });
    for (const text of notes) this.#listener({ type: "note", text });
    this.#note = note;
    if (images !== this.#images && progress) {
      this.#images = images;
      // It may have ended just now.
      const picture = await ask("picture.png").then(answer => answer.blob()).catch(() => null);
      if (picture) this.#listener({ type: "picture", picture });
    }
    return progress !== null || this.#jobs.some(job => job.state === "waiting" || job.state === "preparing");
  }
}
