// The real program, with a folder and ports of its own.
import { execFile, spawn } from "node:child_process";
import { openSync, closeSync, existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { until, within } from "./wait.mjs";

/** The folder of the repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

function program() {
  const target = process.env.CARGO_TARGET_DIR || path.join(root, "target");
  const found = process.env.WAYPOST || path.join(target, "debug", "waypost");
  if (!existsSync(found)) {
    throw new Error(`${found} is not there: cargo build --workspace --bins, or name it in WAYPOST`);
  }
  return found;
}

// The sections of the configuration; a test replaces or adds any of them.
const sections = (folder, address, services) => ({
  listen: services.map((name) => `${name} = ["${address}:0"]`).join("\n"),
  trust: "networks = []",
  local: `delivery = "maildir:${folder}/mail/{domain}/{login}"`,
  outbound: `source = "${address}"`,
  queue: 'retry_first = "1s"\nretry_max = "2s"',
});

/** A server that runs. */
export class Waypost {
  /**
   * Starts one: `{ hostname, address, services: ["smtp", …], sections: { queue: "…" },
   * site: "[[domain]]…" }`.
   */
  static async start(plan = {}) {
    const folder = await mkdtemp(path.join(tmpdir(), "wp-"));
    const server = new Waypost(folder, plan.address || "127.0.0.1");
    try {
      await server.configure(plan);
      await server.serve();
      if (plan.site) {
        await server.apply(plan.site);
      }
    } catch (error) {
      error.message += `\n${server.log()}`;
      await server.stop();
      throw error;
    }
    return server;
  }

  constructor(folder, address) {
    this.folder = folder;
    this.address = address;
    this.config = path.join(folder, "waypost.toml");
    this.ports = {};
  }

  async configure(plan) {
    const services = plan.services || ["smtp", "submission", "minger", "console"];
    const all = { ...sections(this.folder, this.address, services), ...plan.sections };
    const text = Object.entries(all).map(([name, body]) => `[${name}]\n${body}\n`).join("\n");
    const head = `hostname = "${plan.hostname || "mx1.example.com"}"\n` +
      `data_dir = "${this.folder}/data"\n\n`;
    await writeFile(this.config, head + text);
  }

  /** Starts the program, again after `halt` too, and reads its ports from its first line. */
  async serve() {
    const log = openSync(path.join(this.folder, "log"), "a");
    this.child = spawn(program(), ["serve", "--config", this.config],
      { stdio: ["ignore", "pipe", log] });
    closeSync(log);
    running.add(this.child);
    const { child } = this;
    this.ended = new Promise((resolve) => {
      child.once("exit", () => { running.delete(child); resolve(); });
      child.once("error", () => { running.delete(child); resolve(); });
    });
    const line = await within(30000, "the line that begins with ready", Promise.race([
      firstLine(child.stdout),
      this.ended.then(() => { throw new Error("the program ended before it was ready"); }),
    ]));
    for (const [, name, port] of line.matchAll(/ (\w+)=\S*?:(\d+)(?=\s|$)/g)) {
      this.ports[name] = Number(port);
    }
    this.url = await this.consoleAddress();
  }

  // The console speaks HTTP behind a proxy and on loopback, HTTPS otherwise.
  async consoleAddress() {
    const port = this.ports.console;
    if (!port) {
      return undefined;
    }
    const plain = `http://${this.address}:${port}`;
    const answer = await fetch(plain, { redirect: "manual" }).catch(() => undefined);
    return answer && answer.status !== 400 ? plain : `https://${this.address}:${port}`;
  }

  /** The command line: `await waypost.run("user", "list")` gives what it prints. */
  async run(...words) {
    const { stdout } = await promisify(execFile)(program(), [...words, "--config", this.config]);
    return stdout;
  }

  /** Applies a site file; words such as --force go to the command. */
  async apply(text, ...words) {
    const file = path.join(this.folder, "site.toml");
    await writeFile(file, text);
    return this.run("apply", file, ...words);
  }

  /** The one-time password of admin0. */
  async firstPassword() {
    const file = path.join(this.folder, "data", "admin0-password");
    return until("the one-time password", async () =>
      (await readFile(file, "utf8").catch(() => "")).trim());
  }

  /** The end of the server's log. */
  log() {
    const file = path.join(this.folder, "log");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-40).join("\n") : "";
  }

  /** Ends the program; its folder stays, and `serve` starts it again. */
  async halt() {
    if (running.has(this.child)) {
      this.child.kill("SIGTERM");
      await within(15000, "the end of the program", this.ended)
        .catch(() => { this.child.kill("SIGKILL"); });
      await this.ended;
    }
  }

  async stop() {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function firstLine(stream) {
  return new Promise((resolve) => {
    let text = "";
    stream.on("data", (piece) => {
      text += piece;
      const line = text.split("\n").find((one) => one.startsWith("ready"));
      if (line !== undefined && text.endsWith("\n")) {
        resolve(line);
      }
    });
  });
}
