// The server itself: what it is, how it is set up, its site file, its log as it is written.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { example, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

screen("the site is exported, and applied again after its plan was seen",
  { sections, site: example },
  async ({ page, say, see, press, screenshot, until, waypost }) => {
    await page.goto("/system");
    await see("127.0.0.1");
    await screenshot("system");
    assert.equal((await page.content()).includes("secret-of-the-example-1"), false);
    const file = page.waitForEvent("download");
    await press(say("system-export"));
    const text = await readFile(await (await file).path(), "utf8");
    assert.match(text, /\[\[domain\]\]/);

    await press(say("system-apply"));
    await page.locator("#text").fill(`${text}
[[user]]
domain = "example.com"
login = "grace"
name = "Grace </textarea><b>Hopper"
addresses = ["grace@example.com"]
`);
    await press(say("system-show-plan"));
    await see("grace@example.com");
    await screenshot("system-plan");
    assert.doesNotMatch(await waypost.run("user", "list"), /grace/);
    await press(say("system-apply-now"));
    await until("the new user", async () => /grace/.test(await waypost.run("user", "list")));
  });

screen("a site file with a mistake is refused with its line", { sections, site: example },
  async ({ page, say, press }) => {
    await page.goto("/system/site");
    await page.locator("#text").fill("[[domain]]\nname = \"example.com\"\nrelai = \"branch\"\n");
    await press(say("system-show-plan"));
    await page.locator(".notice.error").waitFor();
    assert.match(await page.locator(".notice.error").innerText(), /relai/);
    assert.match(await page.locator("#text").inputValue(), /relai/);
  });

screen("the log comes as it is written, and can be filtered and stopped", { sections, site: example },
  async ({ page, say, see, fill, press, send, screenshot }) => {
    await page.goto("/log");
    await see(say("log-live"));
    await send({ from: "paul@example.net", to: "nobody@example.com" });
    await page.locator("ol.log").getByText("nobody@example.com").first().waitFor();
    await screenshot("log");
    await fill(say("log-text"), "nobody@example.com");
    await press(say("log-filter"));
    await page.locator("ol.log li").first().waitFor();
    for (const line of await page.locator("ol.log li").allInnerTexts()) {
      assert.match(line, /nobody@example\.com/);
    }
    await press(say("log-pause"));
    await see(say("log-go-on"));
  });
