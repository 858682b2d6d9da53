// Mail from outside, and the other server, which says what a test wants it to say.
import net from "node:net";
import { once } from "node:events";

import { within } from "./wait.mjs";

// Reads lines as they come.
async function* lines(socket) {
  let rest = "";
  for await (const piece of socket) {
    rest += piece.toString("latin1");
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.slice(0, end).replace(/\r$/, "");
      rest = rest.slice(end + 1);
    }
  }
}

/**
 * Sends a message to a port of 127.0.0.1: `{ port, from, to: [..], subject, text, headers,
 * client }`. Gives the reply that decided: the first refusal, else the one after the message.
 */
export async function send(mail) {
  const socket = net.connect({
    port: mail.port, host: mail.host || "127.0.0.1", localAddress: mail.client || "127.0.0.3",
  });
  const incoming = lines(socket);
  const reply = async () => {
    const text = [];
    for (;;) {
      const { value = "421 closed", done } = await incoming.next();
      text.push(value);
      if (done || value[3] !== "-") {
        return text.join("\n");
      }
    }
  };
  const recipients = [mail.to].flat();
  const data = [
    `From: <${mail.from}>`, `To: ${recipients.map((one) => `<${one}>`).join(", ")}`,
    `Subject: ${mail.subject || "A message"}`, `Message-ID: <${Date.now()}.${Math.random()}@test>`,
    "Date: Sun, 22 Nov 2026 12:00:00 +0000", ...(mail.headers || []), "",
    ...(mail.text || "Hello").split("\n").map((line) => line.replace(/^\./, "..")),
  ];
  const steps = ["EHLO client.test", `MAIL FROM:<${mail.from}>`,
    ...recipients.map((one) => `RCPT TO:<${one}>`), "DATA", `${data.join("\r\n")}\r\n.`];
  const talk = async () => {
    let said = await reply();
    for (const step of steps) {
      if (!/^[23]/.test(said)) {
        break;
      }
      socket.write(`${step}\r\n`, "latin1");
      said = await reply();
    }
    return said;
  };
  try {
    return await within(20000, "the replies of SMTP", talk());
  } finally {
    socket.end("QUIT\r\n");
    socket.destroySoon();
  }
}

/**
 * Another mail server. `answer(verb, line)` may give a reply of its own (`"550 5.1.1 No"`); verbs
 * are those of SMTP, and END for the end of data.
 */
export class Sink {
  static async start({ address = "127.0.0.2", name = "other.test", answer } = {}) {
    const sink = new Sink();
    sink.name = name;
    sink.answer = answer || (() => undefined);
    sink.messages = [];
    sink.lines = [];
    sink.sockets = new Set();
    sink.waiting = [];
    sink.server = net.createServer((socket) => sink.serve(socket));
    sink.server.listen(0, address);
    await once(sink.server, "listening");
    sink.address = address;
    sink.port = sink.server.address().port;
    return sink;
  }

  /** `host:port`, as a relay is written. */
  get host() {
    return `${this.address}:${this.port}`;
  }

  async serve(socket) {
    this.sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    const say = (verb, line, usual) =>
      socket.write(`${(this.answer(verb, line) || usual).replaceAll("\n", "\r\n")}\r\n`);
    say("CONNECT", "", `220 ${this.name} ESMTP`);
    let mail = { from: "", to: [] };
    let content;
    try {
      for await (const line of lines(socket)) {
        if (content) {
          if (line !== ".") {
            content.push(line.replace(/^\.\./, "."));
            continue;
          }
          const reply = this.answer("END", "") || "250 2.0.0 Ok";
          if (reply.startsWith("2")) {
            this.take({ ...mail, text: content.join("\n") });
          }
          socket.write(`${reply}\r\n`);
          [content, mail] = [undefined, { from: "", to: [] }];
          continue;
        }
        content = this.command(line, mail, say);
        if (/^QUIT/i.test(line)) {
          socket.end();
        }
      }
    } catch {
      // The client went away.
    }
  }

  // Gives the list that content goes into, after DATA.
  command(line, mail, say) {
    this.lines.push(line);
    const verb = line.slice(0, 4).toUpperCase();
    const address = /<([^>]*)>/.exec(line)?.[1] ?? "";
    const usual = { EHLO: `250-${this.name}\n250-PIPELINING\n250 8BITMIME`, QUIT: "221 2.0.0 Bye",
      DATA: "354 Go on" }[verb] || "250 2.0.0 Ok";
    const own = this.answer(verb, line);
    const accepted = !own || /^[23]/.test(own);
    if (verb === "MAIL" && accepted) {
      Object.assign(mail, { from: address, to: [] });
    } else if (verb === "RCPT" && accepted) {
      mail.to.push(address);
    } else if (verb === "RSET") {
      Object.assign(mail, { from: "", to: [] });
    }
    say(verb, line, usual);
    return verb === "DATA" && accepted && mail.to.length > 0 ? [] : undefined;
  }

  take(message) {
    this.messages.push(message);
    this.waiting = this.waiting.filter(({ fits, resolve }) => {
      if (fits(message)) {
        resolve(message);
        return false;
      }
      return true;
    });
  }

  /** The message that fits, once it has come. */
  message(fits = () => true, limit = 20000) {
    const here = this.messages.find(fits);
    return here ? Promise.resolve(here) : within(limit, "a message at the other server",
      new Promise((resolve) => { this.waiting.push({ fits, resolve }); }));
  }

  async stop() {
    this.sockets.forEach((socket) => socket.destroy());
    this.server.close();
    await once(this.server, "close").catch(() => {});
  }
}
