// The faults by name: arm one for a number of times or until it is disarmed, and see how often it fired.

import { get, of, put, remove } from "./api.js";
import { h, line, setText, table } from "./dom.js";
import { Pane } from "./pane.js";
import { plural } from "./words.js";

const HEADS = ["Fault", "State", "Fired", "Arm"];

export class Faults extends Pane {
  build() {
    this.lines = new Map();
    this.owners = new Map();
    this.operation = h("select", { id: "any-operation" });
    this.action = h("input", { type: "text", id: "any-action", list: "any-actions", value: "respond=503", autocomplete: "off", spellcheck: "false", size: "14", required: true });
    this.actions = h("datalist", { id: "any-actions" });
    const any = h("button", { type: "submit", id: "arm-any" }, "Arm");
    const form = h("form", { class: "inline any-fault", onsubmit: (event) => {
      event.preventDefault();
      const name = `${this.operation.value}:${this.action.value.trim()}`;
      this.act(any, async () => {
        const armed = await put(of(this.owners.get(this.operation.value), `faults/${encodeURIComponent(name)}`), {});
        return `${armed.name} is armed${armed.left ? ` for ${plural(armed.left, "time")}` : ""}.`;
      });
    } }, h("label", { for: "any-operation" }, "Any operation"), this.operation, h("label", { for: "any-action" }, "does"), this.action, this.actions, any,
    h("span", { class: "soft small-text" }, "respond=503, delay=3s, hang, drop, malformed; x2 at the end: twice"));
    this.search = h("input", { type: "search", id: "fault-search", placeholder: "Name, sentence, requirement", autocomplete: "off", spellcheck: "false", oninput: () => this.#filter() });
    this.front = h("input", { type: "checkbox", id: "fault-front", onchange: () => this.#filter() });
    this.only = h("input", { type: "checkbox", id: "fault-only", onchange: () => this.#filter() });
    const none = h("button", { type: "button", class: "quiet", onclick: () => this.act(none, async () => {
      for (const { name } of this.apps) await remove(of(name, "faults"));
      return "All faults are disarmed.";
    }) }, "Disarm all");
    this.count = h("p", { class: "count", role: "status" });
    const grid = table(HEADS, [], "faults");
    this.body = grid.querySelector("tbody");
    this.element.append(...this.head("Faults", "Without an armed fault a simulator follows the contract."), form,
      h("div", { class: "filters" }, h("label", { class: "search" }, h("span", { class: "sr" }, "Search the faults"), this.search),
        h("label", { class: "check-label" }, this.front, " for front-end work"),
        h("label", { class: "check-label" }, this.only, " armed or fired"), none, this.count),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Faults" }, grid));
  }

  async read() {
    for (const { name } of this.apps) {
      const { faults, operations, actions } = await get(of(name, "faults"));
      this.#offer(name, operations, actions);
      for (const fault of faults) {
        this.#write(this.lines.get(fault.name) ?? this.#line(name, fault), fault);
      }
      // After each application, so that a search typed early also hides the lines that arrive while the next one is read.
      this.#filter();
    }
  }

  // The operations of an application, once, for the form above the list.
  #offer(app, operations, actions) {
    if (this.owners.has(operations[0])) return;
    for (const each of operations) this.owners.set(each, app);
    this.operation.append(h("optgroup", { label: app }, operations.map((each) => h("option", { value: each }, each))));
    if (!this.actions.hasChildNodes()) this.actions.append(...actions.map((each) => h("option", { value: each })));
  }

  #line(app, fault) {
    const times = h("input", { type: "number", min: "1", step: "1", id: `times-${fault.name}`, placeholder: "∞", size: "4", inputmode: "numeric", "aria-label": `How many times ${fault.name} may fire; empty: no limit` });
    const arm = h("button", { type: "submit", id: `arm-${fault.name}` }, "Arm");
    const disarm = h("button", { type: "button", class: "quiet", onclick: () => this.act(disarm, async () => {
      await remove(of(app, `faults/${encodeURIComponent(fault.name)}`));
      return `${fault.name} is disarmed.`;
    }) }, "Disarm");
    const form = h("form", { class: "inline", onsubmit: (event) => {
      event.preventDefault();
      this.act(arm, async () => {
        await put(of(app, `faults/${encodeURIComponent(fault.name)}`), { times: times.value ? Number(times.value) : null });
        return `${fault.name} is armed${times.value ? ` for ${plural(Number(times.value), "time")}` : ""}.`;
      });
    } }, times, arm, disarm);
    const made = { state: h("span", { class: "state" }), fired: h("span"), disarm };
    const about = [h("code", {}, fault.name), h("span", { class: "soft" }, [...new Set([` ${app}`, fault.area, fault.suite === "verify" ? "" : fault.suite, fault.kind === "fault" ? "" : fault.kind])].filter(Boolean).join(", ")),
      h("p", { class: "sentence" }, fault.sentence), fault.requirements.length ? h("p", { class: "soft small-text" }, `turns red: ${fault.requirements.join(", ")}`) : null];
    made.row = line(HEADS, [about, made.state, made.fired, form]);
    made.front = fault.front_end;
    made.text = [fault.name, app, fault.area, fault.suite, fault.kind, fault.front_end ? "front-end" : "", fault.sentence, ...fault.requirements].join(" ").toLowerCase();
    this.lines.set(fault.name, made);
    this.body.append(made.row);
    return made;
  }

  #write(made, fault) {
    made.used = fault.armed || fault.fired > 0;
    setText(made.state, !fault.armed ? "honest" : fault.left === null ? "armed" : fault.left > 0 ? `armed, ${fault.left} left` : "used up");
    made.state.className = `state ${fault.armed ? "armed" : ""}`;
    setText(made.fired, `${fault.fired}×`);
    made.disarm.disabled = !fault.armed;
  }

  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const each of this.lines.values()) {
      const fits = (!this.only.checked || each.used) && (!this.front.checked || each.front) && words.every((word) => each.text.includes(word));
      each.row.hidden = !fits;
      if (fits) shown += 1;
    }
    setText(this.count, shown === this.lines.size ? plural(shown, "fault") : `${shown} of ${plural(this.lines.size, "fault")}`);
  }
}
