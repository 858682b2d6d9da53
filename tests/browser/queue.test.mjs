// The queue: found, held, released, removed; one message, some of its recipients, all that match.
import assert from "node:assert/strict";

import { languages, screen } from "./harness/screen.mjs";

const HOSTILE = "<script>document.title='run'</script><img src=x onerror=alert(1)>";

const site = (sink) => `
[[target]]
name = "old"
host = "${sink.address}"
port = ${sink.port}

[[domain]]
name = "example.com"
relay = "old"
forward_unknown = true
verify_unknown = "none"
`;

// Everything waits, and the server there says something that must not run.
const plan = { site, answer: (verb) => (verb === "DATA" ? `451 4.3.0 ${HOSTILE}` : undefined),
  sections: { queue: 'retry_first = "1h"\nretry_max = "1h"' } };

const waiting = async ({ page, until }) => until("a deferred message", async () => {
  await page.goto("/queue");
  return await page.locator("table .badge.warn").count() > 0;
});

for (const language of languages) {
  screen(`a message is found, held, released and removed (${language})`, { ...plan, language },
    async (given) => {
      const { page, see, say, press, send } = given;
      const mail = { from: "paul@example.net", to: ["carol@example.com", "dan@example.com"] };
      assert.match(await send({ ...mail, subject: HOSTILE }), /^250/);
      assert.match(await send({ ...mail, from: "quinn@example.net" }), /^250/);
      await waiting(given);
      await see(HOSTILE);
      await page.locator("[name=sender]").fill("PAUL@");
      await press(say("queue-find"));
      assert.equal(await page.locator("tbody td.select").count(), 1);
      await page.locator("tbody td.main a").click();
      await see(say("queue-envelope"));
      await see(HOSTILE);
      assert.notEqual(await page.title(), "run");

      await press(say("queue-verb-hold"));
      await page.locator("[name=reason]").fill(HOSTILE);
      await page.locator("[name=span]").selectOption("at");
      await page.locator("[name=until]").fill("2036-12-24T18:00");
      await page.locator("main form button.primary").click();
      await see(say("done-queue-held"));
      await press(say("queue-verb-release"));
      await see(say("done-queue-released"));

      await page.locator("[name=select]").first().check();
      await press(say("queue-remove-selected"));
      await page.locator("main form button.danger").click();
      await see(say("done-queue-recipients-removed"));
      await see(say("queue-recipient-state-removed"));

      await page.goto("/queue");
      await page.locator("[name=all]").check();
      await page.locator("[name=verb][value=remove]").click();
      await page.locator("main form button.danger").click();
      await see(say("job-done"));
      await page.goto("/queue");
      await see(say("queue-none"));
    });
}

screen("a domain is held and released, and the summary leads to what waits", plan,
  async (given) => {
    const { page, see, say, press, send, screenshot } = given;
    assert.match(await send({ from: "paul@example.net", to: "carol@example.com" }), /^250/);
    await waiting(given);
    await page.locator("[data-live] table a").first().click();
    assert.match(page.url(), /next_hop=old/);
    assert.equal(await page.locator("tbody td.select").count(), 1);
    await page.goto("/queue/hold");
    await page.locator("[name=name]").fill("example.com");
    await page.locator("[name=reason]").fill("moving house");
    await screenshot("queue-hold");
    await page.locator("main form button.primary").click();
    await see(say("done-queue-hold-set"));
    await page.locator("form[action='/queue/release'] button").click();
    await see(say("done-queue-hold-ended"));
  });

screen("the queue can be read and changed without script", { ...plan, script: false },
  async (given) => {
    const { page, say, send, until } = given;
    assert.match(await send({ from: "paul@example.net", to: "carol@example.com" }), /^250/);
    await waiting(given);
    await page.locator("tbody [name=select]").check();
    await page.locator("[name=verb][value=hold]").click();
    await page.locator("main form button.primary").click();
    // A job does it, and without script no page says when it is done.
    const held = page.getByText(say("queue-state-held")).filter({ visible: true });
    await until("the message to be held", async () => {
      await page.goto("/queue");
      return await held.count() > 0;
    });
  });
