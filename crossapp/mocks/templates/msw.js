// HEADER

import { Ajv2020 } from "ajv/dist/2020.js";
import { http, HttpResponse } from "msw";

const ajv = new Ajv2020({ allErrors: true, strict: false });
const encoder = new TextEncoder();

/**
 * @typedef {object} Options
 * @property {string | string[]} [given] the provider state, or several; without one each operation responds with the
 *   example of its document
 * @property {string} [fault] a documented error that each operation which documents it returns: "too_many_requests"
 * @property {string[]} [only] keys of interactions; the others are then unexpected
 * @property {string} [url] where the application is mocked
 * @property {Record<string, string>} [values] what placeholders of credentials stand for:
 *   { "crossapp.shared-secret": "s3cret" }
 */

/** tuvens-api. @param {Options} [options] */
export const mockTuvensApi = (options) => new MockedApplication("tuvens-api", options);

/** hi.events, both its API and its pages. @param {Options} [options] */
export const mockHiEvents = (options) => new MockedApplication("hi.events", options);

/** The names of the provider states and faults of an application. @param {"tuvens-api" | "hi.events"} app */
export function namesOf(app) {
  const rows = TABLE.applications[app].interactions;
  const names = (field) => [...new Set(rows.map((row) => row[field]).filter(Boolean))];
  return { states: names("state"), faults: names("fault") };
}

/** An application behind handlers of msw. */
export class MockedApplication {
  #operations;
  #rows;
  #called = new Set();

  /** @param {"tuvens-api" | "hi.events"} app @param {Options} [options] */
  constructor(app, { given = [], fault = "", only = [], url, values = {} } = {}) {
    const { operations, interactions, url: usual } = TABLE.applications[app];
    const states = [given].flat();
    const names = namesOf(app);
    for (const state of states) known("provider state", state, app, names.states);
    if (fault) known("fault", fault, app, names.faults);
    const faulty = interactions.filter((row) => fault && row.fault === fault);
    const failing = new Set(faulty.map((row) => row.operation));
    const others = interactions.filter((row) => {
      const chosen = states.length ? states.includes(row.state) : !row.state && !row.fault;
      return chosen && !failing.has(row.operation);
    });
    const rows = [...faulty, ...others].sort((one, other) => other.exactness - one.exactness);
    for (const key of only) known("interaction", key, app, rows.map((row) => row.key));
    this.app = app;
    this.url = (url ?? usual).replace(/\/+$/, "");
    /** What placeholders of credentials stand for. */
    this.values = { ...TABLE.values, ...values };
    /** What was wrong with each request that was refused. @type {string[]} */
    this.unexpected = [];
    this.#rows = rows.filter((row) => only.length === 0 || only.includes(row.key));
    this.#operations = operations;
    const below = new RegExp(`^${escaped(this.url)}(?:/|$)`);
    /** For setupServer(...) or setupWorker(...). */
    this.handlers = [http.all(below, ({ request }) => this.#respond(request))];
  }

  /** The keys of the interactions that a request was sent for. */
  get called() {
    return this.#rows.map((row) => row.key).filter((key) => this.#called.has(key));
  }

  /** The keys of the interactions that no request was sent for. */
  get unused() {
    return this.#rows.map((row) => row.key).filter((key) => !this.#called.has(key));
  }

  /** Throws if a request was refused: the client saw a network error, and may have caught it. */
  assertAllExpected() {
    if (this.unexpected.length) throw new Error(this.unexpected.join("\n"));
  }

  /** Throws if an interaction is unused: for a mock with `only`. */
  assertAllCalled() {
    if (this.unused.length) throw new Error(`${this.app}: no request was sent for ${this.unused.join(", ")}`);
  }

  async #respond(request) {
    const { pathname, searchParams } = new URL(request.url);
    const path = pathname.slice(new URL(this.url).pathname.replace(/\/$/, "").length) || "/";
    const bytes = new Uint8Array(await request.clone().arrayBuffer());
    const operation = serving(this.#operations, request.method, path);
    if (!operation) return this.#refuse(`the document of ${this.app} has no operation ${request.method} ${path}`);
    const sent = { headers: request.headers, query: searchParams, bytes, body: parsed(bytes) };
    const problems = forbidden(operation, sent);
    const rows = this.#rows.filter((row) => row.operation === operation.id);
    let closest;
    for (const row of rows) {
      const found = row.open ? [] : await differences(row, sent, this.values);
      if (found.length === 0 && (row.forbidden || problems.length === 0)) {
        this.#called.add(row.key);
        return responseOf(row);
      }
      const distance = 1000 * found.length + row.status;
      if (!closest || distance < closest.distance) closest = { distance, key: row.key, found };
    }
    if (problems.length) {
      return this.#refuse(`the document of ${this.app} forbids this request of ${operation.id}:`, ...problems);
    }
    if (!closest) return this.#refuse(`${this.app}: ${operation.id} is unexpected: no interaction here is a request of it`);
    const text = `${this.app}: no interaction has this request of ${operation.id}; ${closest.key} differs in`;
    return this.#refuse(text, ...closest.found);
  }

  #refuse(...lines) {
    const text = lines.join("\n  ");
    this.unexpected.push(text);
    console.error(text);
    return HttpResponse.error();
  }
}

function known(what, name, app, names) {
  if (!names.includes(name)) throw new Error(`${app} has no ${what} "${name}"; it has ${names.join(", ")}`);
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

/** The operation that serves a method and path: one without parameters takes precedence. */
function serving(operations, method, path) {
  const fits = (each) =>
    each.method === method && new RegExp(`^${each.path.split(/{\w+}/).map(escaped).join("[^/]+")}$`).test(path);
  const parameters = (each) => each.path.split("{").length;
  return operations.filter(fits).sort((one, other) => parameters(one) - parameters(other))[0];
}

/** The JSON of a body; undefined if it is no JSON. */
function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** What the document forbids about a request, without the values that were sent. */
function forbidden({ credentials, query, body }, sent) {
  const problems = [];
  const missing = credentials.flatMap(({ header, prefix }) => {
    const value = sent.headers.get(header);
    if (value === null) return [`/headers/${header.toLowerCase()}: is required`];
    return value.startsWith(prefix) ? [] : [`/headers/${header.toLowerCase()}: does not begin with "${prefix}"`];
  });
  if (missing.length === credentials.length) problems.push(...missing);
  for (const [name, schema] of Object.entries(query)) {
    const value = sent.query.get(name);
    problems.push(...(value === null ? [`/query/${name}: is required`] : invalid(schema, value, `/query/${name}`)));
  }
  if (body && sent.bytes.length) {
    const type = (sent.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
    if (type !== "application/json") problems.push("/headers/content-type: application/json is expected");
    else if (sent.body === undefined) problems.push("/body: is not JSON");
    else problems.push(...invalid(body.schema, sent.body, "/body"));
  } else if (body?.required) {
    problems.push("/body: is required");
  }
  return problems;
}

function invalid(schema, value, at) {
  return ajv.validate(schema, value) ? [] : ajv.errors.map((each) => `${at}${each.instancePath}: ${each.message}`);
}

/** In what a request differs from that of an interaction; nothing if it is that request. */
async function differences(row, sent, values) {
  const found = [];
  for (const [name, expected] of Object.entries(row.query)) {
    found.push(...(await differs(`/query/${name}`, expected, sent.query.get(name), sent, values)));
  }
  for (const [name, expected] of Object.entries(row.headers)) {
    found.push(...(await differs(`/headers/${name.toLowerCase()}`, expected, sent.headers.get(name), sent, values)));
  }
  if (row.body === null) return found;
  if (sent.body === undefined) return [...found, "/body: JSON is expected"];
  return [...found, ...bodyDiffers("", row.body, sent.body, row.loose, values)];
}

async function differs(at, { kind, value: expected }, value, sent, values) {
  if (kind === "absent") return value === null ? [] : [`${at}: no value is expected`];
  if (value === null) return [`${at}: is missing`];
  if (kind === "signature") {
    const right = value === (await signature(values["crossapp.shared-secret"] ?? "crossapp.shared-secret", sent.bytes));
    return right ? [] : [`${at}: the signature of the body with the shared secret is expected`];
  }
  if (kind === "regex") return new RegExp(`^(?:${expected})$`).test(value) ? [] : [`${at}: a match of ${expected} is expected`];
  return kind === "type" || value === replaced(expected, values) ? [] : [`${at}: "${expected}" is expected`];
}

function bodyDiffers(at, expected, value, loose, values) {
  if (kindOf(expected) === "object") {
    if (kindOf(value) !== "object") return [`/body${at}: an object is expected`];
    const extra = Object.keys(value).filter((name) => !(name in expected));
    const found = extra.map((name) => `/body${at}/${name}: is not expected`);
    for (const [name, each] of Object.entries(expected)) {
      if (name in value) found.push(...bodyDiffers(`${at}/${name}`, each, value[name], loose, values));
      else found.push(`/body${at}/${name}: is missing`);
    }
    return found;
  }
  if (loose.includes(at)) {
    return kindOf(value) === kindOf(expected) ? [] : [`/body${at}: ${kindOf(expected)} is expected`];
  }
  const wanted = kindOf(expected) === "string" ? replaced(expected, values) : expected;
  return JSON.stringify(value) === JSON.stringify(wanted) ? [] : [`/body${at}: ${JSON.stringify(expected)} is expected`];
}

function kindOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function replaced(text, values) {
  return text.replace(new RegExp(TABLE.placeholder, "g"), (word) => values[word] ?? word);
}

async function signature(secret, bytes) {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), hmac, false, ["sign"]);
  const signed = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
  return `sha256=${[...signed].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function responseOf({ status, response_headers: headers, response_body: body }) {
  return new HttpResponse(body === null || typeof body === "string" ? body : JSON.stringify(body), { status, headers });
}

const TABLE = "TABLE";
