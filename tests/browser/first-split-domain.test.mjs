// The guide's page "Your first split domain", word by word, by somebody who has nothing else.
import assert from "node:assert/strict";

import { follow, sections } from "./harness/guide.mjs";
import { languages, PASSWORD, screen } from "./harness/screen.mjs";

// What is written in `this` way in the first section, and is different for everybody.
const typed = (language, password) => {
  const [once, own] = {
    en: ["the one-time password", "a sentence that only you know"],
    fr: ["le mot de passe à usage unique", "une phrase que vous seul connaissez"],
    de: ["das Einmalpasswort", "ein Satz, den nur Sie kennen"],
  }[language];
  return { [once]: password, [own]: PASSWORD };
};

for (const language of languages) {
  screen(`with nothing but the guide, mail arrives on the other server (${language})`,
    { language, login: false, timeout: 180000 },
    async (all) => {
      const { page, say, send, sink, until, waypost } = all;
      const steps = sections("first-split-domain.md", language);
      assert.equal(steps.length, 6);
      const values = {
        "mx2.example.com": sink.host, ...typed(language, await waypost.firstPassword()),
      };
      await page.goto("/");
      for (const section of steps.slice(0, 5)) {
        await follow(all, section, values);
      }
      const from = "paul@example.net";
      assert.match(await send({ from, to: "nobody@example.com" }), /^550 5\.1\.1/);
      // The test message is sent; the page about it comes when it has arrived.
      const last = steps[5].steps;
      const half = last.findIndex(({ press }) => press === say("nav-trace"));
      await follow(all, { steps: last.slice(0, half) }, values);
      await sink.message((one) => one.to.includes("bob@example.com"));
      await until("the delivery in the history", async () =>
        /2\.0\.0 Ok/.test(await waypost.run("trace", "bob@example.com")));
      await follow(all, { steps: last.slice(half) }, values);
      await all.see("2.0.0 Ok");
      assert.match(await send({ from, to: "bob@example.com", subject: "To Bob" }), /^250/);
      await sink.message((one) => /Subject: To Bob/.test(one.text));
    });
}
