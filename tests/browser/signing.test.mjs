// A key that signs a domain's mail is made, shown with its record, and removed.
import assert from "node:assert/strict";

import { example, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

screen("a key is made for an alias too, its record is shown, and it is removed",
  { sections, site: example },
  async ({ page, say, see, fill, press, axe, screenshot, waypost }) => {
    await page.goto("/domains/example.com");
    await press(say("domain-tab-signing"));
    await see(say("signing-none"));
    await fill(say("signing-selector"), "wp1");
    await press(say("signing-make"));
    await see(say("done-signing-made"));
    await page.getByText("wp1._domainkey.example.com", { exact: true }).first().waitFor();
    const record = await page.locator("code").filter({ hasText: "v=DKIM1; k=rsa; p=" }).innerText();
    assert.ok((await waypost.run("dkim", "show", "example.com")).replaceAll('" "', "")
      .includes(record));
    await axe();
    await screenshot("domain-signing");

    // Another of the same name is refused, and what was written stays.
    await fill(say("signing-selector"), "wp1");
    await press(say("signing-make"));
    await page.locator(".notice.error").waitFor();
    assert.equal(await page.inputValue("#selector"), "wp1");

    await page.selectOption("#domain", "example.org");
    await page.locator("[name=algorithm][value=ed25519]").check({ force: true });
    await press(say("signing-make"));
    await page.getByText("wp1._domainkey.example.org", { exact: true }).first().waitFor();

    const removals = page.locator("main a.danger[href*='domain=example.com']");
    await removals.click();
    await page.locator("main .ask button.danger").click();
    await see(say("done-signing-removed"));
    assert.doesNotMatch(await waypost.run("dkim", "list"), /_domainkey\.example\.com|rsa/);
    assert.match(await waypost.run("dkim", "list"), /example\.org/);
  });
