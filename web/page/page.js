// The page: what the user does goes to the engine, what the engine tells is shown.

import { open } from "./engine.js";
import { Jobs, download } from "./jobs.js";
import * as samples from "./samples.js";
import { SettingsForm } from "./settings.js";
import { Slot } from "./slot.js";
import { Stage } from "./stage.js";

const at = id => document.getElementById(id);
const BUSY = ["preparing", "painting", "paused"];
const QUEUED = "It is in the queue.";

let engine = null;
let running = null;
const stage = new Stage();
const settings = new SettingsForm();
const content = new Slot(at("content"), samples.contents, pictureChanged);
const style = new Slot(at("style"), samples.styles, pictureChanged);

// Says what is missing before anything can be painted.
function pictureChanged() {
  const missing = [!content.file && "a photograph", !style.file && "a style"].filter(Boolean);
  const reading = !missing.length && !(content.look && style.look);
  at("paint").disabled = !engine || missing.length > 0 || reading;
  if (!engine) return;
  at("ready").textContent = missing.length ? `Choose ${missing.join(" and ")}.` : reading ? "Reading…" : "";
  // A picture that Impasto painted brings its settings.
  if (content.look?.made && content.look !== offered) offer(content.look);
}

let offered = null;

function offer(look) {
  offered = look;
  const use = () => settings.startFrom(look.made);
  ask("This picture was painted by Impasto. Use its settings for the next one?", [["Use its settings", use], ["No", () => {}]]);
}

function ask(text, answers) {
  at("question-text").textContent = text;
  const buttons = answers.map(([words, work]) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: words });
    button.addEventListener("click", () => {
      at("question").close();
      work();
    });
    return button;
  });
  at("question-answers").replaceChildren(...buttons);
  at("question").showModal();
}

// At the top of the page, where it is seen whatever else is.
function tellAbove(message, remedy) {
  at("refusal-message").textContent = message;
  at("refusal-remedy").textContent = remedy;
  at("refusal").hidden = false;
}

function refuse(error) {
  tellAbove(error.message, error.remedy ?? "Reload the page to try again.");
  at("loading").hidden = true;
  at("ready").textContent = "";
  document.body.classList.add("refused");
}

function showStatus(text, share) {
  if (engine) return;
  at("ready").textContent = `${text}…`;
  at("loading").hidden = false;
  if (share >= 0 && share <= 1) at("loading").value = share;
  else at("loading").removeAttribute("value");
}

const tell = {
  jobs({ jobs }) {
    running = jobs.find(job => BUSY.includes(job.state)) ?? null;
    stage.show(running);
    lists.show(jobs);
    if (at("ready").textContent === QUEUED && !jobs.some(job => job.state === "waiting")) at("ready").textContent = "";
    if (!running && jobs.length) stage.note(ended(jobs.at(-1)));
  },
  progress: event => stage.progress(event, running),
  picture: event => stage.picture(event.picture),
  note: event => stage.note(event.text),
  lost({ text }) {
    stage.show(null);
    stage.note(text);
    if (engine.info.can.add) tellAbove(text, "");
  },
};

const ended = ({ state, name, error }) => ({
  done: `${name} is done.`, stopped: `${name} was stopped.`, failed: `${name} failed: ${error}`, asks: `${name}: see below.`,
})[state] ?? "";

let lists = null;

async function begin() {
  try {
    engine = await open(showStatus);
  } catch (error) {
    return refuse(error);
  }
  const { info } = engine;
  at("loading").hidden = true;
  at("where").textContent = info.where;
  at("about").textContent = `Impasto ${info.version} on ${info.device}.`;
  at("form").hidden = !info.can.add;
  at("empty").hidden = !info.can.add;
  at("pause").hidden = !info.can.pause;
  at("selftest").hidden = !info.can.selftest;
  at("ready").textContent = "";
  for (const note of info.notes) at("ready").append(`${note} `);
  settings.begin(info);
  lists = new Jobs(engine, again);
  engine.listen(event => tell[event.type](event));
  content.connect(engine);
  style.connect(engine);
  if (!info.notes.length) pictureChanged();
}

// The settings and the seed of a finished painting, for another.
function again(job) {
  settings.startFrom(job);
  at("size").focus();
}

async function paint() {
  const job = { content: content.file, styles: [style.file], settings: settings.get(), like: settings.like };
  try {
    const id = await engine.add(job);
    at("ready").textContent = running && running.id !== id ? QUEUED : "";
  } catch (error) {
    at("ready").textContent = error.message;
  }
}

// Runs what a button asks for, and says what went wrong.
const doing = work => () => Promise.resolve().then(work).catch(error => stage.note(error.message));

at("form").addEventListener("submit", event => {
  event.preventDefault();
  paint();
});
at("pause").addEventListener("click", doing(() => running?.state === "paused" ? engine.resume() : engine.pause()));
at("stop").addEventListener("click", doing(() => engine.stop()));
at("save").addEventListener("click", doing(async () => download(await engine.save(), `${running?.name ?? "painting"}-so-far.png`)));

// A picture is pasted where the focus is, or where there is none yet.
addEventListener("paste", event => {
  const file = [...event.clipboardData?.files ?? []].find(file => file.type.startsWith("image/"));
  if (!file || !engine?.info.can.add) return;
  event.preventDefault();
  const inStyle = at("style").contains(document.activeElement);
  const inContent = at("content").contains(document.activeElement);
  (inStyle || content.file && !inContent ? style : content).put(file);
});
// What is dropped beside a slot must not replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, event => event.preventDefault());
addEventListener("beforeunload", event => {
  if (running && !engine.info.can.keep) event.preventDefault();
});

begin();
