// All that a filter finds, at once.
import assert from "node:assert/strict";

import { example, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

const queued = async (waypost, count) =>
  ((await waypost.run("queue", "list")).match(/^\w+\s+!?\s+\d+ 20/gm) || []).length === count;

// Mail for carol waits, as her server does not answer.
async function waiting({ send, until, waypost }, count) {
  for (let at = 0; at < count; at += 1) {
    const subject = at === 0 ? "=?utf-8?Q?Gr=C3=BC=C3=9Fe?= <b>at</b> first" : `Number ${at}`;
    await send({ from: `paul${at}@example.net`, to: "carol@example.com", subject });
  }
  await until("mail in the queue", () => queued(waypost, count));
}

screen("all that a filter finds are removed at once, and the others stay",
  { sections, site: example },
  async (all) => {
    const { page, say, fill, press, screenshot, until, waypost } = all;
    await waiting(all, 4);
    await until("four messages that wait", async () => {
      await page.goto("/queue");
      return await page.locator("tbody td .badge.warn").count() === 4;
    });
    await screenshot("queue");
    await page.locator("tbody td.main a").nth(1).click();
    await screenshot("message");
    await page.goto("/queue");
    await fill(say("queue-sender"), "paul1@");
    await press(say("queue-find"));
    await until("one message", async () => await page.locator("[name=select]").count() === 1);
    await page.locator("[name=all]").check();
    await page.getByRole("button", { name: say("queue-verb-remove") }).click();
    await page.locator("main .ask").waitFor();
    await screenshot("queue-remove");
    await press(say("queue-verb-remove"));
    await until("three messages", () => queued(waypost, 3));
    assert.doesNotMatch(await waypost.run("queue", "list"), /paul1@/);
  });
