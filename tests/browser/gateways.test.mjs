// A gateway domain is added, used, and removed.
import assert from "node:assert/strict";

import { example, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

screen("a domain that lives on a target is added, and its mail goes there",
  { sections, site: example },
  async ({ page, press, say, screenshot, send, sink, waypost }) => {
    await page.goto("/gateways");
    await screenshot("gateways");
    await page.goto("/gateways/new");
    await page.locator("[name=domain]").fill("wholly.example.net");
    const target = page.locator("[name=target]");
    if (await target.evaluate((one) => one.tagName) === "SELECT") {
      await target.selectOption("branch");
    } else {
      await target.fill("branch");
    }
    const verify = page.locator("[name=verify][value=none], select[name=verify]").first();
    if (await verify.evaluate((one) => one.tagName) === "SELECT") {
      await verify.selectOption("none");
    } else {
      await verify.check();
    }
    await press(say("form-save"));
    await page.locator(".notice.success").waitFor();
    const from = "paul@example.net";
    assert.match(await send({ from, to: "whoever@wholly.example.net" }), /^250/);
    await sink.message((one) => one.to.includes("whoever@wholly.example.net"));
    await page.goto("/gateways/domains/wholly.example.net/remove");
    await page.locator("main .ask button.danger").click();
    await page.locator(".notice.success").waitFor();
    assert.doesNotMatch(await waypost.run("gateway", "list"), /wholly/);
  });
