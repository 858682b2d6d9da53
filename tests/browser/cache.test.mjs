// What other servers said about addresses, and how it is forgotten.
import assert from "node:assert/strict";

import { example, mail, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

screen("a remembered answer is found, and forgotten", { sections, site: example },
  async (all) => {
    const { page, say, see, fill, press, screenshot, waypost } = all;
    await mail(all);
    assert.match(await waypost.run("cache", "show", "bob@example.com"), /branch/);
    await page.goto("/cache");
    await see("bob@example.com");
    await screenshot("cache");
    await fill(say("cache-text"), "bob");
    await press(say("cache-filter"));
    await page.locator("tbody").getByText("bob@example.com").first().waitFor();
    await page.locator("tbody a.button.danger").first().click();
    await page.locator("main .ask button.danger").click();
    await see(say("done-cache-drop"));
    assert.doesNotMatch(await waypost.run("cache", "show", "bob@example.com"), /branch/);
  });
