// Every page that links lead to: on a telephone, in the dark, in every language, without script.
import assert from "node:assert/strict";

import { example, mail, sections } from "./harness/example.mjs";
import { languages, screen } from "./harness/screen.mjs";
import { stickingOut, tooWide, walk } from "./harness/walk.mjs";

// Collects what is wrong with pages, so that one run names all of it.
function notes() {
  const wrong = [];
  return {
    async check(address, look) {
      try {
        const found = await look();
        if (found) {
          wrong.push(`${address}: ${found}`);
        }
      } catch (error) {
        wrong.push(`${address}: ${error.message}`);
      }
    },
    none() {
      assert.equal(wrong.length, 0, `${wrong.length} wrong:\n${wrong.join("\n")}`);
    },
  };
}

// What every page has: one heading, a title that is not the name of a key, no empty link.
const plain = (page) => page.evaluate(() => {
  const headings = [...document.querySelectorAll("main h1")].filter((one) => one.innerText.trim());
  const nameless = [...document.querySelectorAll("a[href], button")].filter((one) =>
    !one.textContent.trim() && !one.getAttribute("aria-label") && one.offsetParent &&
    !one.querySelector("title"));
  const keys = document.querySelector("main").innerText
    .match(/^(?:[a-z]+-){2,}[a-z]+$/gm) || [];
  return [
    headings.length === 1 ? "" : `${headings.length} headings h1`,
    /\S/.test(document.title) ? "" : "no title",
    nameless.length === 0 ? "" : `nameless: ${nameless[0].outerHTML.slice(0, 120)}`,
    keys.length === 0 ? "" : `a key for a text: ${keys[0]}`,
  ].filter(Boolean).join("; ");
});

// Every form is left in one way: the last beside its button is the same word.
const left = (page, word) => page.evaluate((word) => {
  const wrong = [...document.querySelectorAll("main form .form-actions:has(.primary)")]
    .filter(({ lastElementChild: last }) => last.tagName !== "A" || last.className !== "button" ||
      last.textContent.trim() !== word);
  return wrong.length === 0 ? "" : `cannot be left: ${wrong[0].outerHTML.slice(0, 200)}`;
}, word);

for (const { name, most, ...plan } of [
  { name: "on a telephone", width: 360, height: 740, most: 1 },
  { name: "in the dark, in German", dark: true, language: "de", most: 1 },
]) {
  screen(`every page is well made and accessible ${name}`,
    { ...plan, sections, site: example, timeout: 300000 },
    async (all) => {
      await mail(all);
      const found = notes();
      const visited = await walk(all.page, async (address, response) => {
        await found.check(address, async () => (response.ok() ? "" : response.status()));
        await found.check(address, () => plain(all.page));
        await found.check(address, () => tooWide(all.page));
        await found.check(address, () => stickingOut(all.page));
        await found.check(address, () => all.axe());
      }, { most });
      all.t.diagnostic(`${visited.length} pages: ${visited.join(" ")}`);
      found.none();
    });
}

for (const language of languages) {
  screen(`every page can be read without script (${language})`,
    { language, sections, site: example, script: false, timeout: 300000 },
    async (all) => {
      await mail(all);
      const found = notes();
      const visited = await walk(all.page, async (address, response) => {
        await found.check(address, async () => (response.ok() ? "" : response.status()));
        await found.check(address, async () =>
          (await all.page.locator("html").getAttribute("lang") === language ? "" : "language"));
        await found.check(address, async () =>
          (await all.page.locator("main h1").count() === 1 ? "" : "no heading"));
        await found.check(address, () => left(all.page, all.say("form-cancel")));
      }, { most: 1 });
      assert.ok(visited.length >= 2, visited.join(" "));
      found.none();
    });
}
