// The settings of a painting as the form has them.

const at = id => document.getElementById(id);
// Fields whose value is a setting.
const FIELDS = { size: "size", colours: "keep-colors", strokes: "style-scale", seed: "seed" };

export class SettingsForm {
  // Settings of an earlier picture that lie below those of the form, or null.
  like = null;
  #info = { defaults: {}, presets: [] };
  // Fields that were changed by hand. The others follow the preset or the earlier picture.
  #touched = new Set();

  constructor() {
    for (const id of [...Object.keys(FIELDS), "balance"]) {
      at(id).addEventListener("input", () => {
        this.#touched.add(id);
        this.#label();
      });
    }
    at("preset").addEventListener("input", () => this.#show());
    at("like-drop").addEventListener("click", () => this.startFrom(null));
  }

  // Fills in what only the engine knows.
  begin(info) {
    this.#info = info;
    for (const { name, source } of info.presets) {
      const option = new Option(name, name);
      option.title = source;
      at("preset").append(option);
    }
    this.#show();
  }

  // Takes the settings of an earlier picture (Look.made of engine.js); null takes the defaults.
  startFrom(made) {
    this.like = made?.settings ?? null;
    this.#touched.clear();
    at("preset").value = "";
    at("preset").disabled = Boolean(made);
    at("balance").value = 5;
    at("like").hidden = !made;
    if (made) at("like-text").textContent = `With the settings of an earlier picture (${made.images.join(" + ")}).`;
    this.#show();
  }

  // What lies below the fields.
  #base() {
    const preset = this.#info.presets.find(({ name }) => name === at("preset").value);
    return { ...this.#info.defaults, ...preset?.settings, ...this.like };
  }

  // Puts the settings below into the fields that nobody has touched.
  #show() {
    const base = this.#base();
    for (const [id, name] of Object.entries(FIELDS)) {
      if (this.#touched.has(id)) continue;
      const value = base[name] ?? "";
      const field = at(id);
      if (field.tagName === "SELECT" && ![...field.options].some(option => option.value === value)) {
        field.append(new Option(value, value));
      }
      field.value = value === "full" ? "" : value;
      field.placeholder = value === "full" ? "full" : "";
    }
    this.#label();
  }

  #label() {
    const preset = at("preset").value !== "";
    at("balance").disabled = preset;
    const follows = !this.#touched.has("balance") && this.like !== null;
    at("balance-value").textContent = preset ? "as in the preset" : follows ? "as in the picture" : at("balance").value;
  }

  // Settings of engine.js: those that differ from what lies below.
  get() {
    const base = this.#base(), settings = {};
    if (at("preset").value !== "") settings.preset = at("preset").value;
    for (const [id, name] of Object.entries(FIELDS)) {
      const value = at(id).value.trim();
      if (value !== "" && value !== base[name]) settings[name] = value;
    }
    if (this.#touched.has("balance") && !at("balance").disabled) settings.balance = at("balance").value;
    return settings;
  }
}
