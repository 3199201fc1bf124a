// The exchanges that the page knows, and the messages of event streams, by time, and which of them a filter shows.

import { plural, STREAM_MESSAGE } from "./words.js";

// Seconds from which on an application's clock is said to be another time.
const APART = 1.5;

export class Model {
  constructor(lanes) {
    this.lanes = lanes;
    this.clear();
  }

  clear() {
    this.rows = [];
    this.byId = new Map();
    this.firsts = {};
  }

  // Takes a batch of the feed. The second record of an exchange joins the first: a row has one or two `sides`.
  add(batch, kept) {
    for (const record of batch) {
      const id = `${record.app}:${record.number}`;
      if (this.byId.has(id)) continue;
      const other = record.of ? this.byId.get(`${record.of.app}:${record.of.number}`) : undefined;
      if (other) {
        other.sides.push(record);
        this.byId.set(id, other);
        this.#describe(other);
      } else {
        const row = { id, sides: [record] };
        this.#describe(row);
        this.byId.set(id, row);
        this.rows.push(row);
      }
    }
    this.#order();
    this.#forget(kept);
  }

  // Takes messages that an application sent on its event stream: arrows from its lane to the clients that listen.
  addMessages(app, messages) {
    for (const message of messages) {
      const id = `${app}:message:${message.number}`;
      if (this.byId.has(id)) continue;
      const callee = plural(message.listeners, "listener");
      const row = { id, message, sides: [], begun: message.at, ms: 0, ahead: 0, method: "EVENT", target: message.data, caller: app, callee,
        operation: STREAM_MESSAGE, faults: [], problems: 0, marked: false, from: this.#lane(app), to: 0 };
      row.text = [row.method, row.target, row.operation, app, callee].join(" ").toLowerCase();
      this.byId.set(id, row);
      this.rows.push(row);
    }
    this.#order();
  }

  // What both sides tell together: the answer as the caller had it, the user as the callee knows him.
  #describe(row) {
    const caller = row.sides.find((each) => each.direction === "out");
    const callee = row.sides.find((each) => each.direction === "in");
    const first = caller ?? callee;
    row.begun = first.begun;
    row.ms = first.ms;
    row.method = first.method;
    row.target = first.target;
    row.operation = first.operation ?? callee?.operation;
    row.caller = first.caller;
    row.callee = first.callee;
    row.status = first.status;
    row.error = first.error;
    row.user = callee?.user ?? caller?.user;
    row.webhook = caller?.webhook ?? callee?.webhook;
    row.problems = Math.max(caller?.problems ?? 0, callee?.problems ?? 0);
    row.faults = [...new Set([...(caller?.faults ?? []), ...(callee?.faults ?? [])])];
    row.forged = row.sides.some((each) => each.signature_valid === false);
    const clocked = callee ?? caller;
    const ahead = clocked.clock === undefined ? 0 : clocked.clock - clocked.begun;
    row.ahead = Math.abs(ahead) > APART ? ahead : 0;
    row.from = this.#lane(row.caller);
    row.to = this.#lane(row.callee);
    row.marked = row.problems > 0 || row.faults.length > 0 || row.forged;
    row.text = [row.method, row.target, row.operation, row.caller, row.callee, row.status ?? "no answer", row.error,
      row.user && `user ${row.user}`, ...row.faults, row.webhook && `webhook ${row.webhook.delivery}`,
      row.problems > 0 && "violation", row.forged && "signature"].filter(Boolean).join(" ").toLowerCase();
  }

  #lane(name) {
    return this.lanes.indexOf(name) + 1;
  }

  #order() {
    const { rows } = this;
    for (let at = 1; at < rows.length; at += 1) {
      if (rows[at - 1].begun > rows[at].begun) {
        rows.sort((one, other) => one.begun - other.begun);
        return;
      }
    }
  }

  // Drops what the control plane keeps no more: the oldest, or all after a reset.
  #forget(kept) {
    if (!Object.entries(kept).some(([app, first]) => first > (this.firsts[app] ?? 1))) return;
    this.firsts = { ...this.firsts, ...kept };
    const isKept = (side) => side.number >= (this.firsts[side.app] ?? 1);
    this.rows = this.rows.filter((row) => {
      const sides = row.sides.filter(isKept);
      for (const side of row.sides) if (!isKept(side)) this.byId.delete(`${side.app}:${side.number}`);
      if (sides.length > 0 && sides.length < row.sides.length) {
        row.sides = sides;
        this.#describe(row);
      }
      return sides.length > 0 || row.message;
    });
    const oldest = this.rows.find((row) => !row.message)?.begun ?? Infinity;
    this.rows = this.rows.filter((row) => !row.message || row.begun >= oldest || !this.byId.delete(row.id));
  }

  shown(filter) {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const { operation, status, mark, user } = filter;
    if (!words.length && !operation && !status && !mark && !user) return this.rows.slice();
    return this.rows.filter((row) =>
      (!operation || (row.operation ?? "?") === operation)
      && (!user || row.user === user)
      && (!status || hasStatus(row, status))
      && (!mark || hasMark(row, mark))
      && words.every((word) => row.text.includes(word)));
  }

  // What can be chosen in the filters: value -> count.
  choices() {
    const found = { operation: new Map(), status: new Map(), mark: new Map(), user: new Map() };
    const count = (map, value) => map.set(value, (map.get(value) ?? 0) + 1);
    for (const row of this.rows) {
      count(found.operation, row.operation ?? "?");
      if (!row.message) count(found.status, row.status === undefined ? "none" : String(row.status));
      if (row.status !== undefined) count(found.status, `${Math.floor(row.status / 100)}xx`);
      if (row.user) count(found.user, row.user);
      if (row.marked) count(found.mark, "any");
      if (row.faults.length) count(found.mark, "fault");
      if (row.problems) count(found.mark, "violation");
      if (row.forged) count(found.mark, "signature");
      if (row.webhook) count(found.mark, "webhook");
      for (const fault of row.faults) count(found.mark, `fault:${fault}`);
    }
    return found;
  }
}

function hasStatus(row, wanted) {
  if (row.message) return false;
  if (wanted === "none") return row.status === undefined;
  if (row.status === undefined) return false;
  return wanted.endsWith("xx") ? Math.floor(row.status / 100) === Number(wanted[0]) : row.status === Number(wanted);
}

function hasMark(row, wanted) {
  switch (wanted) {
    case "any": return row.marked;
    case "fault": return row.faults.length > 0;
    case "violation": return row.problems > 0;
    case "signature": return row.forged;
    case "webhook": return row.webhook !== undefined;
    default: return row.faults.includes(wanted.slice("fault:".length));
  }
}
