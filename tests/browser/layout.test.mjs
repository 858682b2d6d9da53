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

screen("addresses in the queue are broken before their @ only, and rows stay low",
  { width: 1280, height: 800, sections, site: example },
  async (all) => {
    const { page } = all;
    await mail(all);
    await page.goto("/queue");
    const lines = await page.locator("bdi.address").evaluateAll((found) => found.map((one) =>
      [one.textContent, one.getClientRects().length, one.offsetHeight]));
    assert.ok(lines.length >= 2, String(lines));
    for (const [address, , height] of lines) {
      assert.ok(height < 50, `${address}: ${height}`);
    }
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
