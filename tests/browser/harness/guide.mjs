// A page of the guide, done word by word. In its numbered sections (`## 1. …`) is
//   **a label**            something to press: a link, a button, a choice, a tick
//   **a label**: `a value` a field to fill
//   *a text*               something to see
//   ![…](images/…/x.png)   a picture of the screen at this moment
// A label that is not on the screen breaks the test.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";

import { fill, press } from "./hand.mjs";
import { root } from "./waypost.mjs";

const TOKEN = new RegExp([
  /!\[[^\]]*\]\([^)]*\/(?<picture>[\w-]+)\.png\)/,
  /\*\*(?<field>[^*]+)\*\*[\s\u00A0]*:\s*`(?<value>[^`]+)`/,
  /\*\*(?<press>[^*]+)\*\*/,
  /(?<![*\w])\*(?<see>[^*\s][^*]*)\*(?![*\w])/,
].map((one) => one.source).join("|"), "g");

/** The numbered sections of a page: their titles, and what is to be done in each. */
export function sections(name, language) {
  const folder = language === "en" ? "" : language;
  const text = readFileSync(path.join(root, "docs/guide", folder, name), "utf8");
  return text.split(/^## /m).slice(1).filter((part) => /^\d+\./.test(part)).map((part) => {
    const prose = part.replace(/^```[^]*?^```/gm, "").replace(/[ \t]*\n[ \t]*(?=\S)/g, " ");
    const steps = [...prose.matchAll(TOKEN)].map(({ groups }) => ({ ...groups }));
    assert.ok(steps.length > 0, `nothing to do in: ${part.split("\n")[0]}`);
    return { title: part.split("\n")[0].trim(), steps };
  });
}

async function fillPorts(page, ports) {
  for (const [name, port] of Object.entries(ports)) {
    const field = page.locator(`main form input[name=${name}]:enabled`);
    if (await field.count() > 0) {
      await field.fill(String(port));
    }
  }
}

/**
 * Does a section. `values` replaces what the guide has as an example by what it is in the test
 * (`{ "mx2.example.com": sink.host }`); `ports` fills fields that the guide leaves alone, as tests
 * have ports of their own (`{ port: 4711 }`).
 */
export async function follow({ page, see, screenshot }, section, values = {}, ports = {}) {
  for (const step of section.steps) {
    if (step.picture) {
      await screenshot(step.picture);
    } else if (step.field) {
      await fill(page, step.field, values[step.value] ?? step.value);
    } else if (step.press) {
      await fillPorts(page, ports);
      await press(page, step.press);
    } else {
      await see(values[step.see] ?? step.see);
    }
  }
}
