// A small site with something in every list: what the walks through all pages begin with.
import { PASSWORD } from "./screen.mjs";
import { until } from "./wait.mjs";

/** Sections of the configuration that the example needs. */
export const sections = {
  minger: 'secrets = ["secret-of-the-example-1"]',
};

/** The site: a master, a slave, a shared and a plain domain, a gateway domain; every mail type. */
export const example = (sink) => `
[[target]]
name = "branch"
host = "${sink.address}"
port = ${sink.port}

[[target]]
name = "old"
host = "127.0.0.9"
port = 9

[[peer]]
name = "lyon"
host = "127.0.0.8"
port = 9
minger_secret = "secret-of-the-example-2"

[[domain]]
name = "example.com"
aliases = ["example.org"]
relay = "branch"

[[domain]]
name = "moving.example.com"
relay = "old"
forward_unknown = true

[[domain]]
name = "offices.example.com"
sharing = ["lyon"]

[[domain]]
name = "plain.example.com"

[[gateway]]
domain = "partner.example.com"
target = "branch"
verify = "none"

[[user]]
domain = "example.com"
login = "alice"
name = "Alice Martin"
addresses = ["alice@example.com", "a.martin@*"]
quota = "2 GiB"

[[user]]
domain = "example.com"
login = "bob"
name = "Bob Keller"
mail = "third-party"
addresses = ["bob@example.com"]

[[user]]
domain = "example.com"
login = "carol"
name = "Carol Weiß"
mail = "third-party"
target = "old"
addresses = ["carol@example.com"]

[[user]]
domain = "example.com"
login = "dave"
name = "Dave Roux"
mail = "none"

[[user]]
domain = "example.com"
login = "erin"
name = "Erin Blanc"
suspended = true
addresses = ["erin@example.com"]

[[mailbox]]
domain = "example.com"
name = "support"
addresses = ["support@example.com"]
members = ["alice@example.com"]

[[group]]
domain = "example.com"
name = "team"
addresses = ["team@example.com"]
members = ["alice@example.com", "bob@example.com"]
`;

/** Mail of every kind: delivered here and elsewhere, refused, waiting. */
export async function mail({ send, sink, waypost }) {
  const from = "paul@example.net";
  await send({ from, to: "alice@example.com", subject: "For Alice" });
  await send({ from, to: "bob@example.com", subject: "For Bob" });
  await sink.message();
  await send({ from, to: "nobody@example.com" });
  await send({ from, to: "carol@example.com", subject: "This one waits" });
  await until("the message in the queue", async () =>
    /carol@example\.com/.test(await waypost.run("queue", "list")));
}

/** A user of the console: a local user of example.com with this role. */
export const somebody = { login: "alice@example.com", password: PASSWORD };
