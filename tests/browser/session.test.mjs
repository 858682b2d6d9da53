// Logging in and out, the first password, the language.
import assert from "node:assert/strict";

import { languages, screen } from "./harness/screen.mjs";

const site = "[[domain]]\nname = \"example.com\"\naliases = [\"example.org\"]\n";

for (const language of languages) {
  screen(`the first administrator is inside, and sees the domains (${language})`,
    { language, site },
    async ({ page, see, say, axe }) => {
      await page.goto("/domains");
      await see("example.com");
      await see(say("domains-title"));
      await axe();
      await page.getByRole("button", { name: say("layout-log-out") }).first().click();
      await page.getByRole("button", { name: say("login-button") }).waitFor();
    });
}

screen("a wrong password is refused, in words that do not say what was wrong", { login: false },
  async ({ page, see, say, axe }) => {
    await page.goto("/");
    await axe(page);
    for (const login of ["admin0", "nobody"]) {
      await page.locator("[name=login]").fill(login);
      await page.locator("[name=password]").fill("not the password");
      await page.keyboard.press("Enter");
      await see(say("login-refused-401"));
    }
    assert.equal(await page.locator("[name=login]").inputValue(), "nobody");
  });

screen("another language is chosen before the login", { login: false },
  async ({ page }) => {
    await page.goto("/");
    await page.getByRole("button", { name: "Deutsch" }).click();
    await page.getByRole("button", { name: "Anmelden" }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
  });
