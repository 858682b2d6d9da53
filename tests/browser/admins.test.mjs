// An administrator is made, logs in for the first time, may do what his role says, and is stopped.
import assert from "node:assert/strict";

import { languages, logIn, screen } from "./harness/screen.mjs";

const site = "[[domain]]\nname = \"example.com\"\n\n[[domain]]\nname = \"example.net\"\n";

for (const language of languages) {
  screen(`a domain administrator is made, sees his domain only, and is suspended (${language})`,
    { language, site },
    async ({ page, context, say, see, fill, press, screenshot, until }) => {
      await page.goto("/admins");
      await screenshot("admins");
      await press(say("admins-new"));
      await fill(say("admins-login"), "gerda");
      await fill(say("admins-name"), "Gerda Groß");
      await press(say("role-domain-administrator"));
      await press(say("admins-here"));
      await fill(say("admins-names"), "example.com");
      await page.evaluate(() => scrollTo(0, 0));
      await screenshot("admin-new");
      await press(say("admins-create"));
      const password = await page.locator("#secret").textContent();
      await press(say("admins-noted"));
      await see("gerda");
      await see(say("admin-state-first-login"));

      const other = await context.browser().newContext({ baseURL: new URL(page.url()).origin,
        locale: language });
      const hers = await other.newPage();
      await logIn(hers, "gerda", password);
      await hers.goto("/domains");
      await hers.getByText("example.com").first().waitFor();
      assert.equal(await hers.getByText("example.net").count(), 0);
      assert.equal(await hers.locator("a[href='/admins']").count(), 0);
      assert.equal((await hers.goto("/admins")).status(), 403);

      await page.goto("/admins/gerda");
      await page.locator("[name=suspended]").check();
      await press(say("admins-save"));
      await see(say("done-admin-changed"));
      await see(say("admin-state-suspended"));
      await until("the end of her session", async () =>
        /login/.test((await hers.goto("/domains")).url()));
      await other.close();

      await page.goto("/admins/gerda/remove");
      await press(say("admins-remove"));
      await see(say("done-admin-removed"));
      assert.equal(await page.getByText("gerda").count(), 0);
    });
}

screen("the last superadministrator can neither be suspended nor removed", {},
  async ({ page, say, press, see }) => {
    await page.goto("/admins/admin0");
    await page.locator("[name=suspended]").check();
    await press(say("admins-save"));
    await see(say("problem-422"));
    await page.goto("/admins/admin0/remove");
    await press(say("admins-remove"));
    await see(say("problem-422"));
    assert.equal((await page.goto("/admins")).status(), 200);
  });
