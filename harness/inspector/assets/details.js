// One exchange in full: both records of it where there are two, validation, signature, a curl command.

import { get, of } from "./api.js";
import { copy, fill, h, setText } from "./dom.js";
import { duration, moment, plural, span, statusClass, statusWords, timeOfDay } from "./words.js";

const DUMPED = 4096;

export class Details {
  constructor(panel, closed) {
    this.panel = panel;
    this.closed = closed;
    this.row = null;
    this.side = "";
    this.asSent = false;
    this.asked = 0;
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  close() {
    this.panel.hidden = true;
    this.row = null;
    this.panel.replaceChildren();
    document.body.classList.remove("with-details");
  }

  // Another record of the same exchange may have come since it was opened.
  sides(row) {
    if (this.isOpen && this.row === row && this.known !== row.sides.length) this.show(row);
  }

  async show(row, { focus = false } = {}) {
    const same = this.row === row;
    this.row = row;
    this.known = row.sides.length;
    this.panel.hidden = false;
    document.body.classList.add("with-details");
    if (!same) this.side = (row.sides.find((each) => each.direction === "in") ?? row.sides[0])?.direction;
    const asked = ++this.asked;
    let found = [], error = null;
    try {
      found = await Promise.all(row.sides.map((each) => get(of(each.app, `exchanges/${each.number}`))));
    } catch (failure) {
      error = failure;
    }
    if (asked !== this.asked || this.row !== row) return;
    const body = row.message ? this.#ofMessage(row) : null;
    fill(this.panel, this.#title(row), body ? body : error ? h("p", { class: "problem" }, `The exchange cannot be shown: ${error.message}.`) : this.#body(row, found));
    if (!same) this.panel.scrollTop = 0;
    if (focus) this.panel.querySelector("h2").focus();
  }

  #title(row) {
    return h("header", { class: "details-head" },
      h("h2", { id: "details-title", tabindex: "-1" }, h("span", { class: "method" }, row.method), " ", h("span", { class: "path" }, row.target)),
      h("button", { type: "button", class: "quiet", id: "details-close", onclick: () => this.closed(), title: "Esc" }, "Close"));
  }

  #body(row, records) {
    const found = records.find((each) => each.direction === this.side) ?? records[0];
    const faults = new Map(records.flatMap((each) => each.faults).map((each) => [each.name, each]));
    return [this.#summary(row, found, [...faults.values()]), this.#switch(row), this.#validation(found), this.#message("Request", found.request),
      found.response ? this.#message("Response", found.response)
        : section("Response", h("p", { class: "problem" }, `No response: ${found.error ?? "unknown reason"}.`)),
      this.#signature(found), this.#curl(found), this.#facts(found)];
  }

  #ofMessage(row) {
    const value = parsed(row.target);
    return [h("dl", { class: "facts" },
      h("dt", {}, "From, to"), h("dd", {}, `${row.caller} → ${row.callee}`),
      h("dt", {}, "Sent"), h("dd", {}, timeOfDay(row.begun))),
    section("Data", h("pre", { class: "code", tabindex: "0", "aria-label": "Data of the message" },
      value === undefined ? row.target : JSON.stringify(value, null, 2)))];
  }

  #summary(row, found, faults) {
    const line = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];
    const hook = row.webhook;
    return h("dl", { class: "facts" },
      line("Status", h("span", { class: `pill s${statusClass(found.status)}` }, statusWords(found.status))),
      line("From, to", `${row.caller} → ${row.callee}`),
      line("Operation", found.operation ?? "in no document"),
      line("Began", `${timeOfDay(row.begun)}, took ${duration(found.ms)}`),
      row.ahead ? line("Its clock", `${moment(found.clock)} (${span(row.ahead)} ${row.ahead > 0 ? "ahead" : "behind"})`) : null,
      row.user ? line("User", row.user) : null,
      hook ? line("Webhook", `delivery ${hook.delivery}, ${hook.replay ? "replay, " : ""}attempt ${hook.attempt}`) : null,
      found.error && found.response ? line("Error", found.error) : null,
      faults.length ? line(faults.length === 1 ? "Fault fired" : "Faults fired",
        faults.map((each) => h("span", { class: "fault-line" }, h("span", { class: "chip fault" }, each.name), ` ${each.sentence}`))) : null);
  }

  #switch(row) {
    if (row.sides.length < 2) {
      const [side] = row.sides;
      return h("p", { class: "soft" }, side.direction === "in" ? `As ${side.app} received it.` : `As ${side.app === "proxy" ? "the proxy" : side.app} sent it.`);
    }
    const choice = (direction, words) => h("button", {
      type: "button", id: `side-${direction}`, "aria-pressed": String(this.side === direction),
      onclick: () => { this.side = direction; this.show(row); },
    }, words);
    return h("div", { class: "switch", role: "group", "aria-label": "Whose record" },
      choice("in", `as ${row.callee} received it`), choice("out", `as ${row.caller} sent it`));
  }

  #validation({ validation }) {
    const check = (name, { verdict, problems, why }) => h("li", { class: `check ${verdict}` },
      h("strong", {}, verdict === "conforms" ? `✓ ${name} conforms` : verdict === "unread" ? `– ${name} was not checked` : `✗ ${name}: ${plural(problems.length, "violation")}`),
      verdict === "unread" ? `: ${why}` : null,
      problems.length ? h("ul", {}, problems.map((each) => h("li", {}, h("code", {}, each)))) : null);
    return section("Validated against the OpenAPI document", h("ul", { class: "checks" }, check("request", validation.request), check("response", validation.response)));
  }

  #message(name, message) {
    const value = parsed(message.body.text);
    const pre = h("pre", { class: "code", tabindex: "0", "aria-label": `Body of the ${name.toLowerCase()}` });
    const write = () => { setText(pre, this.asSent || value === undefined ? shown(message.body) : JSON.stringify(value, null, 2)); };
    write();
    const toggle = h("button", {
      type: "button", class: "quiet small", "aria-pressed": String(this.asSent), onclick: () => {
        this.asSent = !this.asSent;
        toggle.setAttribute("aria-pressed", String(this.asSent));
        write();
      },
    }, "As sent");
    return section(name,
      h("table", { class: "headers" }, h("caption", { class: "sr" }, `Headers of the ${name.toLowerCase()}`),
        h("colgroup", {}, h("col", { class: "names" }), h("col")),
        h("tbody", {}, message.headers.map(([key, text]) => h("tr", {}, h("th", { scope: "row" }, key), h("td", {}, text))))),
      message.bytes
        ? [h("p", { class: "body-head" }, `Body, ${plural(message.bytes, "byte")}${message.cut ? ", cut here" : ""} `, value === undefined ? null : toggle), pre]
        : h("p", { class: "soft" }, "No body."));
  }

  #signature(found) {
    const signature = found.signature;
    if (!signature) return null;
    const bytes = bytesOf(found.request.body);
    const verdict = signature.valid === null || signature.valid === undefined ? "was not checked here"
      : signature.valid ? "✓ right for these bytes" : "✗ not the signature of these bytes";
    const dump = h("pre", { class: "code hex", tabindex: "0", "aria-label": "The signed bytes" }, hexDump(bytes.subarray(0, DUMPED)));
    return section("Signature",
      h("dl", { class: "facts" },
        h("dt", {}, "Made by"), h("dd", {}, `${signature.words}, after “${signature.prefix}”, key: the shared secret`),
        h("dt", {}, signature.header), h("dd", {}, h("code", {}, signature.sent ?? "is missing")),
        h("dt", {}, "Verdict"), h("dd", { class: signature.valid === false ? "problem" : "" }, verdict),
        signature.sha256 ? [h("dt", {}, "SHA-256 of these bytes"), h("dd", {}, h("code", {}, signature.sha256))] : null),
      signature.incomplete ? h("p", { class: "soft" }, `The bytes below are not the signed ones: ${signature.incomplete}.`) : null,
      h("p", { class: "body-head" }, `Signed bytes, ${plural(signature.bytes, "byte")}${bytes.length > DUMPED ? `, the first ${DUMPED}` : ""}`),
      dump,
      signature.command ? command("Compute it", signature.command, "copy-openssl") : null);
  }

  #curl(found) {
    if (!found.curl) return section("curl", h("p", { class: "soft" }, "The stored body is truncated."));
    return section("curl", command("Copy as curl", found.curl, "copy-curl"),
      h("p", { class: "soft" }, "Secrets are shell variables: set $SHARED_SECRET, $JWT, $SESSION_TOKEN and $BEARER if they occur."));
  }

  #facts(found) {
    const facts = Object.entries(found.facts);
    if (!facts.length) return null;
    return section("Noted by the application", h("dl", { class: "facts" }, facts.map(([name, value]) =>
      [h("dt", {}, name), h("dd", {}, h("code", {}, typeof value === "string" ? value : JSON.stringify(value)))])));
  }

  // The command that Details offers to copy, for a key.
  copyCurl() {
    document.getElementById("copy-curl")?.click();
  }
}

function section(name, ...content) {
  return h("details", { open: true, class: "part" }, h("summary", {}, h("h3", {}, name)), ...content);
}

function command(label, text, id) {
  const button = h("button", { type: "button", id, onclick: () => copy(text, button) }, label);
  return [button, h("pre", { class: "code wrap", tabindex: "0", "aria-label": label }, text)];
}

function parsed(text) {
  if (!text || !/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const shown = (body) => body.text ?? hexDump(bytesOf(body).subarray(0, DUMPED));

function bytesOf(body) {
  if (body.base64 === undefined) return new TextEncoder().encode(body.text);
  return Uint8Array.from(atob(body.base64), (each) => each.charCodeAt(0));
}

function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const hex = part.map((each) => each.toString(16).padStart(2, "0")).join(" ");
    const text = part.map((each) => (each >= 32 && each < 127 ? String.fromCharCode(each) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}
