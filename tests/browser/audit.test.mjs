// Who changed what, when, from where, and what it was before.
import assert from "node:assert/strict";

import { example, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

screen("a change is in the audit with its administrator, before and after",
  { sections, site: example },
  async ({ page, say, see, fill, press, screenshot }) => {
    await page.goto("/domains/example.com");
    await page.locator("#postmaster").fill("alice@example.com");
    await press(say("form-save"));
    await page.locator(".notice.success").waitFor();
    await page.goto("/audit");
    await see("postmaster");
    await screenshot("audit");
    const row = page.locator("tbody tr").filter({ hasText: "postmaster" }).first();
    assert.match(await row.innerText(), /admin0/);
    assert.match(await row.innerText(), /127\.0\.0\.1/);
    assert.match(await row.locator("ins").first().innerText(), /alice@example\.com/);
    await fill(say("audit-who"), "nobody");
    await press(say("audit-filter"));
    await see(say("audit-none"));
  });

screen("secrets are not in the audit", { sections, site: example },
  async ({ page, waypost }) => {
    await waypost.apply(`
[[target]]
name = "secretive"
host = "127.0.0.2"
username = "me"
password = "a secret of the target"
`);
    await page.goto("/audit");
    assert.match(await page.locator("tbody").innerText(), /Login there/);
    assert.equal((await page.content()).includes("a secret of the target"), false);
  });
