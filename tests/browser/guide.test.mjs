// The guide in three languages: it names only what is on the screen, and says the same in each.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";

import { sections } from "./harness/guide.mjs";
import { root } from "./harness/waypost.mjs";
import { languages, texts } from "./harness/words.mjs";

const PAGES = ["first-split-domain.md", "sharing.md", "migration.md"];
const folder = path.join(root, "docs/guide");
const read = (language, name) =>
  readFileSync(path.join(folder, language === "en" ? "" : language, name), "utf8");
const prose = (text) => text.replace(/^```[^]*?^```/gm, "").replace(/`[^`\n]*`/g, "`x`")
  .replace(/\s*\n\s*/g, " ");
const bold = (text) => [...prose(text).matchAll(/\*\*([^*]+)\*\*/g)].map((one) => one[1]);

// What is bold without being a text of the console.
const EXAMPLE = /^(like this|ainsi|so|[\w.@-]+\.(com|org)|old|lyon|jack)$/;

for (const language of languages) {
  for (const name of PAGES) {
    test(`every label in ${name} is a text of the console (${language})`, () => {
      const known = texts(language);
      const wrong = bold(read(language, name))
        .filter((label) => !EXAMPLE.test(label) && !known.some((text) => text.startsWith(label)));
      assert.deepEqual([...new Set(wrong)], []);
    });
  }
}

for (const name of PAGES) {
  test(`${name} asks for the same steps in every language`, () => {
    const shape = (language) => sections(name, language).map(({ steps }) =>
      steps.map((step) => Object.keys(step).find((key) => step[key] !== undefined)));
    for (const language of languages) {
      assert.deepEqual(shape(language), shape("en"), language);
    }
  });
}

test("no page of the guide shows a picture that is not there", () => {
  const files = [["", folder], ["fr", path.join(folder, "fr")], ["de", path.join(folder, "de")]]
    .flatMap(([, place]) => readdirSync(place).filter((name) => name.endsWith(".md"))
      .map((name) => path.join(place, name)));
  const missing = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)]
      .map(([, picture]) => path.join(path.dirname(file), picture))
      .filter((picture) => !existsSync(picture)));
  assert.deepEqual(missing, []);
});
