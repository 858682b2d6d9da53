// The guide's page about moving users to another server, word by word.
import assert from "node:assert/strict";

import { follow, sections } from "./harness/guide.mjs";
import { languages, screen } from "./harness/screen.mjs";

// The old server says honestly who is there.
const answer = (verb, line) =>
  (verb === "RCPT" && !/<(ivy|jack|postmaster)@/i.test(line) ? "550 5.1.1 User unknown" : undefined);

for (const language of languages) {
  screen(`users move to another server as the guide says (${language})`,
    { language, answer, timeout: 240000 },
    async (all) => {
      const { send, sink } = all;
      const [front, one, master, end] = sections("migration.md", language);
      const values = { "10.0.0.7": sink.address, nothing: "", rien: "", nichts: "" };
      const from = "paul@example.net";
      const mail = (to, subject) => send({ from, to, subject });
      await follow(all, front, values, { port: sink.port });
      assert.match(await mail("ivy@example.org", "Before"), /^250/);
      await sink.message((message) => message.text.includes("Subject: Before"));
      assert.match(await mail("nobody@example.org"), /^550 5\.1\.1/);

      await follow(all, one, values);
      assert.match(await mail("ivy@example.org", "After"), /^250/);
      assert.match(await mail("jack@example.org", "To Jack"), /^250/);
      await sink.message((message) => message.text.includes("Subject: To Jack"));
      assert.equal(sink.messages.some(({ text }) => text.includes("Subject: After")), false);

      await follow(all, master, values);
      const asked = sink.lines.length;
      assert.match(await mail("nobody2@example.org"), /^550 5\.1\.1/);
      assert.equal(sink.lines.slice(asked).some((line) => line.includes("nobody2")), false);

      await follow(all, end, values);
      const targets = await all.waypost.run("target", "list");
      assert.doesNotMatch(targets, /^old\s/m);
    });
}
