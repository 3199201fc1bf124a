// The faults by name: arm one for a number of times or until it is disarmed, and see how often it fired.

import { get, of, put, remove } from "./api.js";
import { h, setText } from "./dom.js";
import { Pane } from "./pane.js";
import { plural } from "./words.js";

export class Faults extends Pane {
  build() {
    this.lines = new Map();
    this.search = h("input", { type: "search", id: "fault-search", placeholder: "Name, sentence, requirement", autocomplete: "off", spellcheck: "false", oninput: () => this.#filter() });
    this.only = h("input", { type: "checkbox", id: "fault-only", onchange: () => this.#filter() });
    const none = h("button", { type: "button", class: "quiet", onclick: () => this.act(none, async () => {
      for (const { name } of this.apps) await remove(of(name, "faults"));
      return "All faults are disarmed.";
    }) }, "Disarm all");
    this.count = h("p", { class: "count", role: "status" });
    this.body = h("tbody");
    const head = ["Fault", "State", "Fired", "Arm"].map((each) => h("th", { scope: "col" }, each));
    this.element.append(...this.head("Faults", "A simulator is honest unless a fault is armed."),
      h("div", { class: "filters" }, h("label", { class: "search" }, h("span", { class: "sr" }, "Search the faults"), this.search),
        h("label", { class: "check-label" }, this.only, " armed or fired"), none, this.count),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Faults" }, h("table", { class: "grid faults" }, h("thead", {}, h("tr", {}, head)), this.body)));
  }

  async read() {
    for (const { name } of this.apps) {
      for (const fault of (await get(of(name, "faults"))).faults) {
        const line = this.lines.get(fault.name) ?? this.#line(name, fault);
        this.#write(line, fault);
      }
    }
    this.#filter();
  }

  #line(app, fault) {
    const times = h("input", { type: "number", min: "1", step: "1", id: `times-${fault.name}`, placeholder: "∞", size: "4", inputmode: "numeric", "aria-label": `How many times ${fault.name} may fire; empty: no limit` });
    const arm = h("button", { type: "submit", id: `arm-${fault.name}` }, "Arm");
    const disarm = h("button", { type: "button", class: "quiet", onclick: () => this.act(disarm, async () => {
      await remove(of(app, `faults/${fault.name}`));
      return `${fault.name} is disarmed.`;
    }) }, "Disarm");
    const form = h("form", { class: "inline", onsubmit: (event) => {
      event.preventDefault();
      this.act(arm, async () => {
        await put(of(app, `faults/${fault.name}`), { times: times.value ? Number(times.value) : null });
        return `${fault.name} is armed${times.value ? ` for ${plural(Number(times.value), "time")}` : ""}.`;
      });
    } }, times, arm, disarm);
    const line = { state: h("span", { class: "state" }), fired: h("td", { class: "number" }), disarm };
    line.row = h("tr", {}, h("th", { scope: "row" }, h("code", {}, fault.name), h("span", { class: "soft" }, ` ${app}${fault.kind === "fault" ? "" : `, ${fault.kind}`}${fault.at_start ? ", at start" : ""}`),
      h("p", { class: "sentence" }, fault.sentence), fault.requirements.length ? h("p", { class: "soft small-text" }, `turns red: ${fault.requirements.join(", ")}`) : null),
    h("td", {}, line.state), line.fired, h("td", {}, form));
    line.text = [fault.name, app, fault.kind, fault.sentence, ...fault.requirements].join(" ").toLowerCase();
    this.lines.set(fault.name, line);
    this.body.append(line.row);
    return line;
  }

  #write(line, fault) {
    line.used = fault.armed || fault.fired > 0;
    setText(line.state, !fault.armed ? "honest" : fault.left === null ? "armed" : fault.left > 0 ? `armed, ${fault.left} left` : "used up");
    line.state.className = `state ${fault.armed ? "armed" : ""}`;
    setText(line.fired, `${fault.fired}×`);
    line.disarm.disabled = !fault.armed;
  }

  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const line of this.lines.values()) {
      const fits = (!this.only.checked || line.used) && words.every((word) => line.text.includes(word));
      line.row.hidden = !fits;
      if (fits) shown += 1;
    }
    setText(this.count, shown === this.lines.size ? plural(shown, "fault") : `${shown} of ${plural(this.lines.size, "fault")}`);
  }
}
