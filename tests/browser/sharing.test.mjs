// The guide's page about sharing a domain between offices, word by word, with two real servers.
import assert from "node:assert/strict";

import { follow, sections as steps } from "./harness/guide.mjs";
import { languages, screen } from "./harness/screen.mjs";
import { Waypost } from "./harness/waypost.mjs";

const SECRET = "a-secret-of-both-offices";
const sections = { minger: `secrets = ["${SECRET}"]` };
const user = (login) => `
[[user]]
domain = "example.com"
login = "${login}"
addresses = ["${login}@example.com"]
`;
const site = `[[domain]]\nname = "example.com"\n${user("alice")}`;

for (const language of languages) {
  screen(`two offices share a domain as the guide says (${language})`,
    { language, sections, site, timeout: 240000 },
    async (all) => {
      const { page, send, t, until, waypost } = all;
      const lyon = await Waypost.start({ address: "127.0.0.2", hostname: "mail.lyon.example.com",
        sections, services: ["smtp", "minger"] });
      t.after(() => lyon.stop());
      const paris = { name: "paris", host: "127.0.0.1", port: waypost.ports.smtp,
        minger: waypost.ports.minger };
      await lyon.apply(`
[[peer]]
name = "${paris.name}"
host = "${paris.host}"
port = ${paris.port}
minger_port = ${paris.minger}
minger_secret = "${SECRET}"

[[domain]]
name = "example.com"
sharing = ["paris"]
${user("carol")}`, "--force");

      const [peer, domain, test, explain] = steps("sharing.md", language);
      const values = { "mail.lyon.example.com": "127.0.0.2", "the secret": SECRET,
        "le secret": SECRET, "das Geheimnis": SECRET };
      const ports = { port: lyon.ports.smtp, minger_port: lyon.ports.minger };
      await page.goto("/");
      await follow(all, peer, values, ports);
      await follow(all, domain, values);
      await follow(all, test, values);
      await follow(all, explain, values);

      assert.match(await send({ from: "paul@example.net", to: "carol@example.com" }), /^250/);
      await until("the message at Lyon", async () =>
        /to=<carol@example\.com>.*status=sent/.test(lyon.log()));
      assert.match(await send({ from: "paul@example.net", to: "nobody@example.com" }), /^550/);
      await page.goto("/sharing");
      await all.see("lyon");
      await all.see(all.say("peer-state-answering"));
      await all.screenshot("sharing");
    });
}
