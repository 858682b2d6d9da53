// Starts a server with a little of everything in its directory, and lets schemathesis ask it every
// operation of /api/openapi.json: `node tests/api/run.mjs PROGRAM`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

import { Sink } from "../browser/harness/smtp.mjs";
import { Waypost } from "../browser/harness/waypost.mjs";

// Streams never end, and who ends the session or the token ends the test.
const NOT_ASKED = "/(events|session|tokens/)|/log/live";

const CHECKS = ["not_a_server_error", "response_schema_conformance", "content_type_conformance",
  "status_code_conformance", "response_headers_conformance"];

const site = (sink) => `
[[target]]
name = "other"
host = "${sink.address}"
port = ${sink.port}

[[peer]]
name = "lyon"
host = "${sink.address}"
port = ${sink.port}
minger_secret = "a-secret-of-two-sites"
minger_accept = "a-secret-of-lyon-alone"

[[domain]]
name = "example.com"
relay = "other"

[[domain]]
name = "example.net"
sharing = ["lyon"]

[[user]]
domain = "example.com"
login = "alice"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "carol"
mail = "third-party"
addresses = ["carol@example.com"]

[[group]]
domain = "example.com"
name = "team"
addresses = ["team@example.com"]
members = ["alice@example.com"]
`;

/** A token of admin0 that lasts longer than the test. */
async function token(waypost) {
  const words = await waypost.run("token", "add", "admin0", "--name", "schemathesis");
  return words.trim().split(/\s+/).at(-1);
}

// Bounded in examples, in time and in what one request may take; the same at every run.
const options = (url, secret) => ["run", `${url}/api/openapi.json`,
  "--header", `Authorization: Bearer ${secret}`, "--tls-verify", "false",
  "--checks", CHECKS.join(","), "--exclude-path-regex", NOT_ASKED,
  "--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--max-time", "150",
  "--workers", "1", "--request-timeout", "10", "--generation-deterministic",
  "--suppress-health-check", "all", "--no-color"];

async function main(program) {
  const sink = await Sink.start();
  let waypost;
  try {
    waypost = await Waypost.start({ site: site(sink) });
    const words = options(waypost.url, await token(waypost));
    // What it remembers goes into the folder that it runs in.
    const asked = spawn(path.resolve(program), words, {
      cwd: waypost.folder, stdio: "inherit",
      env: { ...process.env, SCHEMATHESIS_HOOKS: "hooks", PYTHONPATH: import.meta.dirname },
    });
    const [code] = await once(asked, "exit");
    return code === null ? 1 : code;
  } finally {
    await waypost?.stop();
    await sink.stop();
  }
}

process.exitCode = await main(process.argv[2]);
