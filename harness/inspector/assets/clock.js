// The clocks: each application has its own, and can be moved alone or with the others.

import { get, of, post, put } from "./api.js";
import { h, setText } from "./dom.js";
import { Pane } from "./pane.js";
import { moment, plural, span } from "./words.js";

const STEPS = [[60, "+1 min"], [300, "+5 min"], [900, "+15 min"], [3600, "+1 h"], [86400, "+1 day"]];

export class Clocks extends Pane {
  build() {
    this.cards = this.apps.map(({ name }) => this.#card(name, [name]));
    const all = this.apps.length > 1 ? [this.#card("All applications", this.apps.map((each) => each.name))] : [];
    this.element.append(...this.head("Clock", "Advancing runs everything that becomes due, in order: expiry, retries, clean-up. It returns when all is done."),
      h("div", { class: "cards" }, ...[...all, ...this.cards].map((each) => each.element)));
    setInterval(() => this.#tick(), 250);
  }

  #card(title, apps) {
    const id = title.replace(/\W/g, "-");
    const card = { apps, time: h("p", { class: "time-big" }), ahead: h("p", { class: "soft" }) };
    const advance = (button, seconds, words) => this.act(button, async () => {
      let fired = 0;
      for (const app of apps) fired += (await post(of(app, "clock/advance"), { seconds })).fired;
      return `${title}: advanced by ${words}, ${plural(fired, "job")} ran.`;
    });
    const steps = STEPS.map(([seconds, label]) => {
      const button = h("button", { type: "button", onclick: () => advance(button, seconds, span(seconds)) }, label);
      return button;
    });
    const input = h("input", { id: `seconds-${id}`, type: "number", min: "0", max: String(400 * 86400), step: "any", required: true, inputmode: "decimal", size: "8" });
    const go = h("button", { type: "submit" }, "Advance");
    const form = h("form", { class: "inline", onsubmit: (event) => {
      event.preventDefault();
      advance(go, Number(input.value), span(Number(input.value)));
    } }, h("label", { for: input.id }, "Seconds"), input, go);
    card.run = h("button", { type: "button", class: "quiet", onclick: () => this.act(card.run, async () => {
      const { now, running } = await get(of(apps[0], "clock"));
      await put(of(apps[0], "clock"), { now, running: !running });
      return `${title}: the clock ${running ? "stands still" : "runs"}.`;
    }) }, "Stop");
    const real = h("button", { type: "button", class: "quiet", onclick: () => this.act(real, async () => {
      for (const app of apps) await put(of(app, "clock"), { now: Date.now() / 1000, running: true });
      return `${title}: back at real time.`;
    }) }, "To real time");
    const alone = apps.length === 1;
    card.element = h("section", { class: "card", "aria-labelledby": `card-${id}` }, h("h3", { id: `card-${id}` }, title),
      alone ? [card.time, card.ahead] : null, h("div", { class: "buttons" }, steps), form,
      h("div", { class: "buttons" }, alone ? card.run : null, real));
    return card;
  }

  async read() {
    for (const card of this.cards) {
      const { now, running } = await get(of(card.apps[0], "clock"));
      Object.assign(card, { now, running, at: performance.now() });
      setText(card.run, running ? "Stop" : "Let it run");
    }
    this.#tick();
  }

  #tick() {
    if (!this.seen) return;
    for (const card of this.cards) {
      if (card.now === undefined) continue;
      const now = card.now + (card.running ? (performance.now() - card.at) / 1000 : 0);
      const ahead = now - Date.now() / 1000;
      setText(card.time, moment(now));
      setText(card.ahead, [card.running ? "runs" : "stands still", Math.abs(ahead) < 2 ? "real time"
        : `${span(ahead)} ${ahead > 0 ? "ahead of" : "behind"} real time`].join(", "));
    }
  }
}
