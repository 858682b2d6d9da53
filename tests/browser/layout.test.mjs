// What must be in sight without scrolling sideways, and words that must stay whole.
import assert from "node:assert/strict";

import { example, mail, sections } from "./harness/example.mjs";
import { languages, screen } from "./harness/screen.mjs";

const outside = (page) => page.evaluate(() =>
  [...document.querySelectorAll("td .button, td button, .who button")]
    .filter((one) => one.offsetParent)
    .filter((one) => one.getBoundingClientRect().right > innerWidth)
    .map((one) => one.innerText));

for (const language of languages) {
  screen(`buttons of rows and the way out are in sight at 1280 and 1024 px (${language})`,
    { language, width: 1280, height: 800, sections, site: example },
    async ({ page, waypost }) => {
      await waypost.run("token", "add", "admin0", "--name", "the monthly report of all users");
      for (const width of [1280, 1024]) {
        await page.setViewportSize({ width, height: 800 });
        for (const path of ["/tokens", "/sharing", "/domains"]) {
          await page.goto(path);
          assert.ok(await page.locator("td .button").count() > 0, path);
          assert.deepEqual(await outside(page), [], `${path} at ${width}`);
          const out = await page.locator(".side .who button").last().boundingBox();
          assert.ok(out.y + out.height <= 800, `${path} at ${width}: ${out.y}`);
        }
      }
    });
}

// How each address stands: the lines of what is before the @, of the rest, and of both.
const standing = (page) => page.locator("td bdi.address").filter({ hasText: "@" })
  .evaluateAll((found) => found.map((one) => {
    const texts = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const lines = texts.map((text) => {
      const range = document.createRange();
      range.selectNodeContents(text);
      return [...range.getClientRects()].map((line) => Math.round(line.top));
    });
    return { address: one.textContent, parts: lines.map((tops) => new Set(tops).size),
      lines: new Set(lines.flat()).size };
  }));

const LONG = "the-office-of-somebody.with-a-name@a-long-name-of-a-domain.example.net";

screen("addresses are broken before their @ only, and not at all when they fit",
  { width: 1280, height: 800, sections, site: example },
  async (all) => {
    const { page, send } = all;
    await mail(all);
    await send({ from: LONG, to: "carol@example.com" });
    await send({ from: "jean-luc.p@north-sea.test", to: "carol@example.com" });
    for (const width of [1024, 1280, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      for (const path of ["/queue", "/directory"]) {
        await page.goto(path);
        const found = await standing(page);
        assert.ok(found.length >= 4, `${path}: ${found.length}`);
        for (const { address, parts, lines } of found) {
          assert.ok(parts.every((count) => count === 1), `${address} at ${width}: ${parts}`);
          if (address !== LONG && width >= 1280) {
            assert.equal(lines, 1, `${address} at ${width} on ${path}`);
          }
        }
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto("/queue");
    const long = (await standing(page)).find(({ address }) => address === LONG);
    assert.equal(long.lines, 2);
    const row = await page.locator("tbody tr:has(td.select)").first().boundingBox();
    assert.ok(row.height < 90, `a row of ${row.height}`);
    await page.setViewportSize({ width: 2560, height: 1400 });
    const main = await page.locator("main").boundingBox();
    assert.ok(main.x + main.width > 2400, `the content ends at ${main.x + main.width}`);
  });

screen("moments are asked for in the zone of the browser", { sections, site: example },
  async ({ page, say, press, see }) => {
    await page.goto("/audit");
    const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    assert.equal(await page.locator("[data-zone]").first().innerText(), zone);
    await page.locator("[name=from]").fill("2036-07-01T12:00");
    await press(say("audit-filter"));
    await see(say("audit-none"));
    const ahead = await page.evaluate(() => -new Date("2036-07-01T12:00").getTimezoneOffset());
    assert.equal(new URL(page.url()).searchParams.get("from_zone"), String(ahead));
    assert.equal(await page.locator("[name=from]").inputValue(), "2036-07-01T12:00");
  });
