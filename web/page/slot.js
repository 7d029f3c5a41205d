// A place for one picture: chosen, dropped, pasted, or a sample.

export class Slot {
  file = null;
  // Look of engine.js, once the engine has decoded it.
  look = null;
  #root; #engine; #changed; #turn = 0;

  // `changed` is called when the picture is another.
  constructor(root, samples, changed) {
    [this.#root, this.#changed] = [root, changed];
    const input = this.#find("input");
    input.addEventListener("change", () => input.files[0] && this.put(input.files[0]));
    this.#acceptDrops();
    samples.forEach(sample => this.#find(".samples").append(this.#button(sample)));
  }

  #find(selector) {
    return this.#root.querySelector(selector);
  }

  #acceptDrops() {
    const mark = on => this.#root.classList.toggle("over", on);
    this.#root.addEventListener("dragover", event => {
      event.preventDefault();
      mark(true);
    });
    this.#root.addEventListener("dragleave", () => mark(false));
    this.#root.addEventListener("drop", event => {
      event.preventDefault();
      mark(false);
      const file = event.dataTransfer.files[0];
      if (file) this.put(file);
      else this.#say("What was dropped is no file: save the picture, and drop the file.", true);
    });
  }

  #button({ file, alt }) {
    const [button, image] = [document.createElement("button"), new Image()];
    button.type = "button";
    button.title = alt;
    image.src = `samples/${file}`;
    image.alt = alt;
    image.width = image.height = 56;
    button.append(image);
    button.addEventListener("click", async () => {
      try {
        const answer = await fetch(`samples/${file}`);
        if (!answer.ok) throw new Error();
        await this.put(new File([await answer.blob()], file.replace(/^\w+-/, ""), { type: "image/jpeg" }));
      } catch {
        this.#say("This sample could not be loaded: reload the page.", true);
      }
    });
    return button;
  }

  // The engine, as soon as it is open.
  connect(engine) {
    this.#engine = engine;
    if (this.file) this.put(this.file);
  }

  #say(text, wrong = false) {
    const facts = this.#find(".facts");
    facts.textContent = text;
    facts.classList.toggle("wrong", wrong);
  }

  async put(file) {
    const turn = ++this.#turn;
    [this.file, this.look] = [file, null];
    this.#changed();
    this.#say(this.#engine ? "Reading…" : file.name);
    if (!this.#engine) return;
    try {
      const look = await this.#engine.look(file);
      if (turn !== this.#turn) return;
      this.look = look;
      this.#show(look);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.file = null;
      this.#find(".preview").hidden = true;
      this.#root.classList.remove("full");
      this.#say(error.message, true);
    }
    this.#changed();
  }

  #show({ width, height, preview, warnings }) {
    const image = this.#find(".preview");
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(preview);
    image.alt = `${this.#find("legend").textContent}: ${this.file.name}`;
    image.hidden = false;
    this.#root.classList.add("full");
    this.#say([`${this.file.name}, ${width} × ${height}`, ...warnings].join(". "));
  }
}
