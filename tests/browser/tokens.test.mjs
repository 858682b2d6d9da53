// A token is made, shown once, used by a script, and revoked.
import assert from "node:assert/strict";

import { screen } from "./harness/screen.mjs";

const site = "[[domain]]\nname = \"example.com\"\n";

screen("a token is shown once, opens the API to a script, and is revoked", { site },
  async ({ page, waypost, say, see, fill, press, screenshot }) => {
    await page.goto("/tokens");
    await see(say("tokens-none"));
    await press(say("tokens-new"));
    await fill(say("tokens-name"), "nightly import");
    if (await page.getByLabel(say("tokens-admin")).count() > 0) {
      await fill(say("tokens-admin"), "admin0");
    }
    await press(say("role-helpdesk"));
    await screenshot("token-new");
    await press(say("tokens-create"));
    const secret = await page.locator("#secret").textContent();
    await press(say("tokens-noted"));
    await see("nightly import");
    await screenshot("tokens");
    assert.equal((await page.content()).includes(secret), false);

    const ask = (way, method = "GET") => fetch(`${waypost.url}/api/v1${way}`,
      { method, headers: { Authorization: `Bearer ${secret}` } });
    const answer = await ask("/domains");
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).items[0].name, "example.com");
    assert.equal((await ask("/domains/example.com", "DELETE")).status, 403);

    await page.reload();
    await press(say("tokens-revoke"));
    await page.locator("dialog").getByRole("button", { name: say("tokens-revoke") }).click();
    await see(say("done-token-revoked"));
    assert.equal((await ask("/domains")).status, 401);
  });
