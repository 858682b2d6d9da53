// The overview: who exchanges mail, what is wrong and where it leads, live.
import assert from "node:assert/strict";

import { example, mail, sections } from "./harness/example.mjs";
import { languages, screen } from "./harness/screen.mjs";

for (const language of languages) {
  screen(`the site is a picture, a table, and a list of what is wrong (${language})`,
    { language, sections, site: example },
    async (all) => {
      const { page, say, see, screenshot, until } = all;
      await mail(all);
      await page.goto("/");
      await see(say("overview-title"));
      // The target that does not answer stands out, and leads to its page.
      const wrong = page.locator("main a[href*='/targets/old']").first();
      await until("what is wrong", async () => {
        await page.reload();
        return await wrong.count() > 0;
      });
      await page.locator(".map svg").waitFor();
      await page.locator("figure canvas").first().waitFor();
      await screenshot("overview");
      assert.ok(await page.locator(".map svg title").count() > 0);
      await page.getByText(say("charts-table")).first().click();
      await all.axe();
    });
}

screen("the overview follows the mail without being loaded again", { sections, site: example },
  async (all) => {
    const { page, say, see } = all;
    await page.goto("/");
    await see(say("overview-live"));
    const before = await page.locator(".now").innerText();
    await mail(all);
    await page.waitForFunction((text) => document.querySelector(".now").innerText !== text, before);
  });
