// Webhook deliveries: what became of each, every attempt, and a button that sends one again.

import { get, of, post } from "./api.js";
import { fill, h } from "./dom.js";
import { Pane } from "./pane.js";
import { moment, plural, span, statusClass, statusWords } from "./words.js";

const SHOWN = 200;

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
    fill(this.table, all.length ? this.#draw(all) : h("p", { class: "empty" }, "No webhook was sent yet: change the status of an event at hi.events (crossapp trigger status 11 LIVE)."));
  }

  #fetch(delivery) {
    return get(of(delivery.app, `deliveries/${delivery.id}`));
  }

  #draw(all) {
    const head = ["Delivery", "Event", "Event sent at", "State", "Attempts", ""].map((each) => h("th", { scope: "col" }, each || h("span", { class: "sr" }, "Actions")));
    return h("table", { class: "grid" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, all.map((each) => this.#rows(each))));
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
    const row = h("tr", {},
      h("th", { scope: "row" }, `${delivery.id}`), h("td", {}, `event ${delivery.event_id}`), h("td", {}, delivery.event_sent_at),
      h("td", {}, h("span", { class: `state ${delivery.state}` }, state)),
      h("td", {}, h("ol", { class: "tries" }, delivery.tries.map((each) => h("li", { class: `pill s${statusClass(each.status)}`, title: each.error ?? "" },
        `${each.number}${each.replay ? " replay" : ""}: ${each.status === null ? "no answer" : each.status}`)))),
      h("td", { class: "buttons" }, replay, more));
    return open ? [row, h("tr", { class: "inner" }, h("td", { colspan: "6" }, this.#inside(this.opened.get(key))))] : row;
  }

  #inside(delivery) {
    const head = ["Attempt", "Began (its clock)", "Took", "Answer", "Signature", "Body of the answer"].map((each) => h("th", { scope: "col" }, each));
    const attempts = delivery.attempts.map((each) => h("tr", {},
      h("th", { scope: "row" }, `${each.number}${each.replay ? " (replay)" : ""}`), h("td", {}, moment(each.started_at)), h("td", {}, `${Math.round(each.seconds * 1000)} ms`),
      h("td", {}, each.status === null ? each.error : statusWords(each.status)),
      h("td", {}, each.signature_valid ? "✓ right" : h("span", { class: "problem" }, "✗ wrong")), h("td", {}, h("code", {}, each.answer ?? ""))));
    return [h("h3", {}, `Delivery ${delivery.id}: ${plural(delivery.attempts.length, "attempt")}`),
      h("table", { class: "grid" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, attempts)),
      h("p", { class: "body-head" }, "Body, the same on every attempt"), h("pre", { class: "code wrap" }, delivery.body)];
  }
}

const keyOf = (delivery) => `${delivery.app.replace(/\W/g, "-")}-${delivery.id}`;
