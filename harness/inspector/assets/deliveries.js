// Webhook deliveries: what became of each, every attempt, and a button that sends one again.

import { get, of, post } from "./api.js";
import { fill, h, table } from "./dom.js";
import { Pane } from "./pane.js";
import { moment, plural, span, statusClass, statusWords } from "./words.js";

const SHOWN = 200;
const HEADS = ["Delivery", "Event", "Event sent at", "State", "Attempts", "Actions"];
const TRIES = ["Attempt", "Began (its clock)", "Took", "Answer", "Signature", "Response body"];

export class Deliveries extends Pane {
  build() {
    this.opened = new Map();
    this.table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Deliveries" });
    this.element.append(...this.head("Webhook deliveries", `The newest first, at most ${SHOWN}. A replay sends the same bytes again, now.`), this.table);
  }

  async read() {
    const all = [];
    for (const { name } of this.apps) {
      const { deliveries, now } = await get(of(name, `deliveries?limit=${SHOWN}`));
      all.push(...deliveries.map((each) => ({ ...each, app: name, wait: each.state === "pending" ? Math.ceil(each.due_at - now) : 0 })));
    }
    for (const [key, known] of this.opened) {
      const delivery = all.find((each) => keyOf(each) === key);
      if (!delivery) this.opened.delete(key);
      else if (known.attempts.length !== delivery.attempts_made) this.opened.set(key, await this.#fetch(delivery));
    }
    const shape = JSON.stringify([all, [...this.opened]]);
    if (shape === this.shape) return;
    this.shape = shape;
    all.reverse();
    fill(this.table, all.length ? this.#draw(all) : h("p", { class: "empty" }, "No webhook has been sent yet: change the status of an event at hi.events (crossapp trigger status 11 LIVE)."));
  }

  #fetch(delivery) {
    return get(of(delivery.app, `deliveries/${delivery.id}`));
  }

  #draw(all) {
    return table(HEADS, all.flatMap((each) => this.#rows(each)));
  }

  #rows(delivery) {
    const key = keyOf(delivery);
    const open = this.opened.has(key);
    const state = { delivered: "✓ delivered", failed: "✗ failed for good", pending: delivery.wait > 0 ? `pending, due in ${span(delivery.wait)}` : "pending, due now" }[delivery.state] ?? delivery.state;
    const replay = h("button", { type: "button", id: `replay-${key}`, onclick: () => this.act(replay, async () => {
      const { attempt } = await post(of(delivery.app, `deliveries/${delivery.id}/replay`));
      return `Delivery ${delivery.id} was sent again: ${attempt.status === null ? attempt.error : statusWords(attempt.status)}.`;
    }) }, "Replay");
    const more = h("button", { type: "button", class: "quiet", id: `more-${key}`, "aria-expanded": String(open), onclick: () => this.act(more, async () => {
      if (open) this.opened.delete(key);
      else this.opened.set(key, await this.#fetch(delivery));
    }) }, open ? "Less" : "Details");
    const tries = h("ol", { class: "tries" }, delivery.tries.map((each) => h("li", { class: `pill s${statusClass(each.status)}`, title: each.error ?? "" },
      `${each.number}${each.replay ? " replay" : ""}: ${each.status === null ? "no answer" : each.status}`)));
    const cells = [`${delivery.id}`, `event ${delivery.event_id}`, delivery.event_sent_at, h("span", { class: `state ${delivery.state}` }, state), tries,
      h("div", { class: "buttons" }, replay, more)];
    return open ? [cells, { inside: this.#inside(this.opened.get(key)) }] : [cells];
  }

  #inside(delivery) {
    const attempts = delivery.attempts.map((each) => [
      `${each.number}${each.replay ? " (replay)" : ""}`, moment(each.started_at), `${Math.round(each.seconds * 1000)} ms`,
      each.status === null ? each.error : statusWords(each.status),
      each.signature_valid ? "✓ right" : h("span", { class: "problem" }, "✗ wrong"), h("code", {}, each.answer ?? "")]);
    return [h("h3", {}, `Delivery ${delivery.id}: ${plural(delivery.attempts.length, "attempt")}`), table(TRIES, attempts),
      h("p", { class: "body-head" }, "Body, the same on every attempt"), h("pre", { class: "code", tabindex: "0", "aria-label": "Body" }, delivery.body)];
  }
}

const keyOf = (delivery) => `${delivery.app.replace(/\W/g, "-")}-${delivery.id}`;
