// The page that tests the device.

import { open } from "./engine.js";

const at = id => document.getElementById(id);
const say = text => { at("status").textContent = text; };
let engine = null;

function buttons(on) {
  for (const id of ["quick", "all"]) at(id).disabled = !on;
}

async function run(all) {
  buttons(false);
  at("lines").replaceChildren();
  say("Testing…");
  try {
    const right = await engine.selftest(line => at("lines").append(Object.assign(document.createElement("li"), { textContent: line })), all);
    say(right ? "Everything agrees: this GPU paints rightly." : "Something is wrong: see the lines below. A newer driver or browser may mend it.");
  } catch (error) {
    say(error.message);
  }
  buttons(true);
}

at("quick").addEventListener("click", () => run(false));
at("all").addEventListener("click", () => run(true));

try {
  engine = await open((text, share) => engine || say(share >= 0 ? `${text}, ${Math.round(share * 100)} %` : `${text}…`));
  say([`${engine.info.device}, Impasto ${engine.info.version}.`, ...engine.info.notes].join(" "));
  buttons(true);
} catch (error) {
  say([error.message, error.remedy].filter(Boolean).join(" "));
}
