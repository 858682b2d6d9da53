// The first task of the guide without script: every form is a form.
import assert from "node:assert/strict";

import { screen } from "./harness/screen.mjs";

screen("a split domain is set up without script", { script: false },
  async ({ page, say, see, fill, press, send, sink, waypost }) => {
    await page.goto("/domains");
    await press(say("domains-new"));
    await fill(say("domains-name"), "example.com");
    await press(say("domain-create-edit"));
    await press(say("domain-tab-routing"));
    await fill(say("routing-relay"), sink.host);
    await press(say("routing-preview"));
    await press(say("form-save"));
    await see(say("done-domain-saved"));

    await press(say("nav-directory"));
    await press(say("directory-new-users"));
    await fill(say("user-login"), "bob");
    await fill(say("directory-domain"), "example.com");
    await press(say("mail-third-party"));
    await press(say("user-create"));
    await see(say("done-user-added"));
    // Another address goes into one of the empty rows.
    await page.goto("/users/bob@example.com/mail");
    await page.locator("input[name=local-1]").fill("robert");
    await page.locator("input[name=relayed-1]").check();
    await press(say("save"));
    assert.match(await waypost.run("user", "show", "bob@example.com"), /robert@/);
    assert.match(await send({ from: "paul@example.net", to: "robert@example.com" }), /^250/);
    await sink.message((one) => one.to.includes("robert@example.com"));
  });
