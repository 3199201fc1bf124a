// The sequence diagram: one line an exchange, an arrow from the caller's lane to the callee's.

import { Details } from "./details.js";
import { $, h, say, setText } from "./dom.js";
import { VirtualList } from "./list.js";
import { Model } from "./model.js";
import { duration, NO_ANSWER, plural, span, statusClass, statusWords, STREAM_MESSAGE, timeOfDay } from "./words.js";

const ROW = 46;
// Milliseconds within which new rows are drawn, together.
const SOON = 150;
const FILTERS = ["text", "operation", "status", "mark", "user"];
const MARKS = { any: "fault, violation, signature", fault: "fault fired", violation: "contract violation",
  signature: "signature wrong", webhook: "webhook delivery" };
const CLASSES = { "2xx": "2xx success", "3xx": "3xx redirect", "4xx": "4xx refused", "5xx": "5xx failed", none: NO_ANSWER };

const exchangesOf = (rows) => rows.filter((row) => !row.message);

export class Exchanges {
  constructor(lanes, { reconnect, disconnect }) {
    this.lanes = lanes;
    this.columns = [lanes.outside, ...lanes.lanes];
    this.model = new Model(lanes.lanes);
    this.reconnect = reconnect;
    this.disconnect = disconnect;
    this.filter = {};
    this.shown = [];
    this.active = null;
    this.following = true;
    this.unseen = 0;
    this.whole = false;
    this.paused = false;
    this.waiting = 0;
    this.details = new Details($("details"), () => this.close());
    this.list = new VirtualList($("list"), {
      height: ROW,
      head: this.#head(),
      create: () => this.#line(),
      update: (element, row) => this.#write(element, row),
      chosen: (index) => { this.choose(index); this.openDetails(); },
      moved: () => this.#moved(),
    });
    this.#listen();
    this.#readAddress();
  }

  #head() {
    const names = this.columns.map((name, lane) => {
      const element = h("span", { class: "lane-name" }, name);
      element.style.left = this.#centre(lane);
      return element;
    });
    this.columns.forEach((_, lane) => {
      const line = h("i", { class: "lifeline" });
      line.style.left = this.#centre(lane);
      names.push(line);
    });
    return h("div", { class: "head", "aria-hidden": "true" }, h("span", { class: "when" }, "time"), h("div", { class: "lanes" }, names));
  }

  #centre(lane) {
    return `${((lane + 0.5) / this.columns.length) * 100}%`;
  }

  #line() {
    const part = (name) => h("span", { class: name });
    const element = h("div", { class: "row", role: "option" });
    const [time, took, method, target, marks, arrow, status, phrase] = ["time", "took", "method", "target", "marks", "arrow", "status", "phrase"].map(part);
    const pill = h("span", { class: "pill" }, status, phrase);
    element.append(h("span", { class: "when" }, time, took), h("span", { class: "lanes" },
      this.columns.map((_, lane) => {
        const line = h("i", { class: "lifeline" });
        line.style.left = this.#centre(lane);
        return line;
      }),
      h("span", { class: "label" }, method, " ", target, marks), arrow, pill));
    element.parts = { time, took, method, target, marks, arrow, pill, status, phrase, label: target.parentElement };
    return element;
  }

  #write(element, row) {
    const { parts } = element;
    if (element.shows === row && element.version === row.sides.length) return;
    element.shows = row;
    element.version = row.sides.length;
    setText(parts.time, timeOfDay(row.begun));
    if (row.message) setText(parts.took, "");
    else setText(parts.took, row.ahead ? `${duration(row.ms)} ${row.ahead > 0 ? "+" : "−"}${span(row.ahead, 1)}` : duration(row.ms));
    parts.took.title = row.ahead ? "took; how far the application's clock is from real time" : "";
    setText(parts.method, row.method);
    setText(parts.target, row.target);
    parts.marks.replaceChildren(...this.#chips(row));
    const count = this.columns.length;
    const [left, right] = row.from <= row.to ? [row.from, row.to] : [row.to, row.from];
    element.className = `row s${row.message ? "2xx" : statusClass(row.status)}${row.marked ? " marked" : ""}${row.from > row.to ? " back" : ""}`
      + `${left === right ? " self" : ""}${this.#unheard(row) ? " unheard" : ""}`;
    parts.arrow.style.left = this.#centre(left);
    parts.arrow.style.width = `${((right - left) / count) * 100}%`;
    parts.pill.style.left = `${(((left + right) / 2 + 0.5) / count) * 100}%`;
    const words = row.message ? row.callee : statusWords(row.status);
    const known = row.status === undefined ? words.length : String(row.status).length;
    setText(parts.status, words.slice(0, known));
    setText(parts.phrase, words.slice(known));
    const atRight = left >= count / 2;
    parts.label.className = `label${atRight ? " at-right" : ""}`;
    parts.label.style.left = atRight ? "auto" : this.#centre(left);
    parts.label.style.right = atRight ? `${(1 - (right + 0.5) / count) * 100}%` : "auto";
    parts.label.style.maxWidth = `calc(${(atRight ? (right + 0.5) / count : 1 - (left + 0.5) / count) * 100}% - 8px)`;
    element.setAttribute("aria-label", this.#spoken(row));
  }

  // A call to an application that keeps a record here, of which it has none: it never arrived, or not yet. A message that
  // nobody listened to.
  #unheard(row) {
    if (row.message) return row.message.listeners === 0;
    return this.lanes.apps.some(({ name }) => name === row.callee) && !row.sides.some((each) => each.direction === "in");
  }

  #chips(row) {
    const chips = [];
    const chip = (kind, text, short) => h("span", { class: `chip ${kind}`, "data-short": short }, text);
    if (row.webhook) {
      const { delivery, attempt, replay } = row.webhook;
      chips.push(chip("hook", `webhook ${delivery} · ${replay ? "replay" : "attempt"} ${attempt}`, `#${delivery}·${attempt}`));
    }
    for (const fault of row.faults) chips.push(chip("fault", `fault ${fault}`, "fault"));
    if (row.problems) chips.push(chip("violation", plural(row.problems, "violation"), "violation"));
    if (row.forged) chips.push(chip("forged", "signature wrong", "signature"));
    return chips;
  }

  #spoken(row) {
    if (row.message) return `${timeOfDay(row.begun)}, ${row.caller} to ${row.callee}, ${STREAM_MESSAGE} ${row.target}`;
    const marks = this.#chips(row).map((each) => each.textContent);
    return [`${timeOfDay(row.begun)}`, `${row.caller} to ${row.callee}`, `${row.method} ${row.target}`,
      statusWords(row.status), duration(row.ms), ...marks, row.user && `user ${row.user}`].filter(Boolean).join(", ");
  }

  #listen() {
    for (const name of FILTERS) {
      $(`filter-${name}`).addEventListener("input", () => this.refilter());
    }
    $("filter-clear").addEventListener("click", () => this.clearFilter());
    $("pause").addEventListener("click", () => this.pause());
    $("newest").addEventListener("click", () => this.follow());
    $("list").addEventListener("keydown", (event) => this.#listKey(event));
    $("filter-text").addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        $("list").focus();
        if (!this.active) this.choose(this.following ? this.shown.length - 1 : 0);
      }
    });
  }

  #listKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.list.visibleHeight / ROW) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      event.preventDefault();
      this.move(moves[event.key]);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (this.active) this.openDetails({ focus: true });
    }
  }

  // The filter from the address, so that a reload or a bookmark shows the same; a choice may come before its option.
  #readAddress() {
    const given = new URLSearchParams(location.search);
    for (const name of FILTERS) this.filter[name] = given.get(name) ?? "";
    $("filter-text").value = this.filter.text;
    this.#offer();
  }

  #writeAddress() {
    const kept = FILTERS.filter((name) => this.filter[name]).map((name) => [name, this.filter[name]]);
    const query = new URLSearchParams(kept).toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
  }

  started({ fresh }) {
    if (fresh) {
      this.model.clear();
      this.active = null;
      this.details.close();
      this.whole = false;
      this.unseen = 0;
    }
  }

  add({ rows, kept }) {
    this.model.add(rows, kept);
    this.#drawSoon();
  }

  addMessages({ app, messages }) {
    this.model.addMessages(app, messages);
    this.#drawSoon();
  }

  #drawSoon() {
    if (this.whole && !this.waiting) {
      this.waiting = setTimeout(() => { this.waiting = 0; this.#grown(); }, SOON);
    }
  }

  // New rows below, and perhaps fewer above: what somebody reads stays where it is.
  #grown() {
    const { scroller } = this.list;
    const newest = this.shown.at(-1);
    const top = Math.floor(scroller.scrollTop / ROW);
    const anchor = this.shown[top];
    const { following } = this;
    this.refresh();
    if (following) {
      this.list.toEnd();
    } else {
      const moved = this.shown.indexOf(anchor) - top;
      if (anchor && moved !== 0 && moved > -top - 1) {
        scroller.scrollTop += moved * ROW;
        this.list.draw();
      }
      this.unseen += this.shown.length - 1 - this.shown.lastIndexOf(newest);
    }
    this.#tellNewest();
  }

  loaded() {
    this.whole = true;
    this.refresh();
    if (this.following) this.list.toEnd();
  }

  refresh() {
    this.#offer();
    this.shown = this.model.shown(this.filter);
    if (this.active && !this.model.byId.has(this.active.id)) this.active = null;
    this.list.show(this.shown, this.active ? this.shown.indexOf(this.active) : -1);
    const { length } = exchangesOf(this.model.rows);
    const shown = exchangesOf(this.shown).length;
    const messages = this.shown.length - shown;
    setText($("count"), (shown === length ? plural(length, "exchange") : `${shown.toLocaleString("en")} of ${plural(length, "exchange")}`)
      + (messages ? `, ${plural(messages, "message")}` : ""));
    $("filter-clear").disabled = !FILTERS.some((name) => this.filter[name]);
    const empty = $("empty");
    empty.hidden = this.shown.length > 0;
    setText(empty, this.model.rows.length ? "No exchange matches the filter. Esc or “Show all” clears it."
      : "No traffic yet. Call one of the applications: it appears here at once.");
    if (this.active) this.details.sides(this.active);
  }

  refilter() {
    for (const name of FILTERS) this.filter[name] = $(`filter-${name}`).value;
    this.#writeAddress();
    this.refresh();
    if (this.active && this.shown.includes(this.active)) this.list.activate(this.shown.indexOf(this.active));
    else if (this.following) this.list.toEnd();
    else this.list.scroller.scrollTop = 0;
  }

  clearFilter() {
    for (const name of FILTERS) $(`filter-${name}`).value = "";
    this.refilter();
    $("list").focus();
  }

  get filtered() {
    return FILTERS.some((name) => this.filter[name]);
  }

  // The choices of the selects, made anew only where there are others.
  #offer() {
    const found = this.model.choices();
    const option = (value, text) => ({ value, text });
    const statuses = [...found.status].sort(([one], [other]) => one.localeCompare(other));
    const grouped = [...statuses.filter(([value]) => value in CLASSES), ...statuses.filter(([value]) => !(value in CLASSES))];
    const marks = [...Object.keys(MARKS).filter((each) => found.mark.has(each)),
      ...[...found.mark.keys()].filter((each) => each.startsWith("fault:")).sort()];
    const lists = {
      operation: [...found.operation.keys()].sort().map((each) => option(each, each === "?" ? "in no document" : each)),
      status: grouped.map(([value]) => option(value, CLASSES[value] ?? statusWords(Number(value)))),
      mark: marks.map((each) => option(each, MARKS[each] ?? `fault ${each.slice(6)}`)),
      user: [...found.user.keys()].sort((one, other) => one.localeCompare(other, "en", { numeric: true }))
        .map((each) => option(each, `user ${each}`)),
    };
    for (const [name, options] of Object.entries(lists)) {
      const select = $(`filter-${name}`);
      const wanted = this.filter[name];
      if (wanted && !options.some((each) => each.value === wanted)) options.push(option(wanted, wanted));
      const shape = JSON.stringify(options);
      if (select.shape === shape) continue;
      select.shape = shape;
      select.replaceChildren(h("option", { value: "" }, "all"), ...options.map((each) => h("option", { value: each.value }, each.text)));
      select.value = wanted;
    }
  }

  move(by) {
    if (!this.shown.length) return;
    const at = this.active ? this.shown.indexOf(this.active) : -1;
    const from = at >= 0 ? at : by > 0 ? -1 : this.shown.length;
    this.choose(Math.min(this.shown.length - 1, Math.max(0, from + by)));
  }

  // To the next exchange (or, with -1, the one before) with a mark, or that was not answered with success.
  toMarked(step) {
    let at = this.active ? this.shown.indexOf(this.active) : step > 0 ? -1 : this.shown.length;
    for (at += step; at >= 0 && at < this.shown.length; at += step) {
      const row = this.shown[at];
      if (row.marked || (!row.message && (row.status === undefined || row.status >= 400))) {
        this.choose(at);
        return;
      }
    }
    say(step > 0 ? "No further exchange is marked" : "No earlier exchange is marked");
  }

  choose(index) {
    this.active = this.shown[index] ?? null;
    this.following = index === this.shown.length - 1 && this.list.atEnd;
    this.list.activate(index);
    if (this.active && this.details.isOpen) this.details.show(this.active);
  }

  openDetails({ focus = false } = {}) {
    if (!this.active) return;
    this.details.show(this.active, { focus });
    this.list.activate(this.shown.indexOf(this.active));
  }

  close() {
    this.details.close();
    $("list").focus();
  }

  follow() {
    this.following = true;
    this.unseen = 0;
    this.list.toEnd();
    this.#tellNewest();
    $("list").focus();
  }

  #moved() {
    this.following = this.list.atEnd;
    if (this.following && this.unseen) this.unseen = 0;
    this.#tellNewest();
  }

  #tellNewest() {
    const button = $("newest");
    button.hidden = this.following || this.unseen === 0;
    if (!button.hidden) setText(button, `${this.unseen.toLocaleString("en")} new ↓`);
  }

  pause() {
    this.paused = !this.paused;
    setText($("pause"), this.paused ? "Go on" : "Pause");
    if (this.paused) this.disconnect();
    else this.reconnect();
  }
}

