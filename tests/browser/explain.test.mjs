// Where mail to an address would go, and what happened to mail.
import assert from "node:assert/strict";

import { example, mail, sections } from "./harness/example.mjs";
import { languages, screen } from "./harness/screen.mjs";

for (const language of languages) {
  screen(`an address is explained as a path, and leads to what decided (${language})`,
    { language, sections, site: example },
    async ({ page, say, see, fill, press, axe, sink }) => {
      await page.goto("/explain");
      await fill(say("explain-address"), "bob@example.com");
      await fill(say("explain-client"), "203.0.113.7");
      await press(say("explain-button"));
      await see(say("rule-third-party"));
      await see(say("explain-taken"));
      await page.locator("ol.path li.verdict").waitFor();
      await axe();
      assert.equal(sink.messages.length, 0);
      await page.locator("ol.path a[href*='bob']").first().click();
      await see("Bob Keller");

      await page.goto("/explain?address=nobody@example.com&client=203.0.113.7");
      await see(say("rule-unknown"));
      await see("550 5.1.1");
      await page.locator("ol.path li.verdict.bad").waitFor();
    });

  screen(`what happened to mail is told in order, by address and by queue id (${language})`,
    { language, sections, site: example },
    async (all) => {
      const { page, say, see, fill, press, until } = all;
      await mail(all);
      await page.goto("/trace");
      await until("the delivery in the history", async () => {
        await fill(say("trace-what"), "bob@example.com");
        await press(say("trace-button"));
        return /250 2\.0\.0 Ok/.test(await page.locator("main").innerText());
      });
      await page.locator("ol.path li").nth(1).waitFor();
      await see(say("tls-level-none"));
      await all.axe();
      await page.goto("/trace?what=nobody@example.com");
      await see("550 5.1.1");
      await page.goto("/trace?what=stranger@example.com");
      await see(say("trace-none"));
    });
}

screen("a test message goes on its way, and leads to its trace", { sections, site: example },
  async ({ page, say, see, fill, press, screenshot, sink }) => {
    await page.goto("/test-message");
    await fill(say("test-message-to"), "bob@example.com");
    await screenshot("test-message");
    await press(say("test-message-send"));
    await see(say("done-test-message"));
    assert.match(page.url(), /\/trace\?what=/);
    await sink.message((one) => one.to.includes("bob@example.com"));
    await page.goto("/test-message");
    await fill(say("test-message-to"), "nobody@example.com");
    await press(say("test-message-send"));
    await see(say("test-message-refused"));
  });

screen("what is no address, and no time, is refused in words", { sections, site: example },
  async ({ page, axe }) => {
    for (const address of ["/explain?address=%3Cscript%3E", "/explain?address=a@b@c",
      "/explain?address=bob@example.com&client=here", "/trace?what=bob@example.com&from=yesterday",
      "/trace?what=%00"]) {
      const response = await page.goto(address);
      assert.ok(response.status() < 500, address);
      assert.equal(await page.locator("main h1").count(), 1, address);
      await axe();
    }
  });
