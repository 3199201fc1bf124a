// The sessions of the applications, and how long they live by the application's own clock.

import { get, of } from "./api.js";
import { fill, h, setText } from "./dom.js";
import { Pane } from "./pane.js";
import { moment, plural, span } from "./words.js";

const SHOWN = 200;

export class Sessions extends Pane {
  build() {
    this.tables = this.apps.map(({ name }) => {
      const count = h("p", { class: "soft" });
      const table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Sessions of ${name}` });
      return { name, count, table, shape: "" };
    });
    this.element.append(...this.head("Sessions", "Tokens are shown by the first digits of their SHA-256. Expiry is by the application's clock, which the view Clock moves."),
      ...this.tables.flatMap(({ name, count, table }) => [h("h3", {}, name), count, table]));
    setInterval(() => this.#tick(), 1000);
  }

  async read() {
    for (const each of this.tables) {
      const { sessions, total, now } = await get(of(each.name, `sessions?limit=${SHOWN}`));
      each.now = now;
      each.at = performance.now();
      each.living = sessions.filter((session) => session.expires_at > now).length;
      setText(each.count, total > sessions.length ? `${plural(total, "session")}, the newest ${SHOWN} shown` : plural(total, "session"));
      const shape = JSON.stringify(sessions);
      if (shape !== each.shape) {
        each.shape = shape;
        fill(each.table, sessions.length ? this.#draw(sessions.reverse()) : h("p", { class: "empty" }, "No session is stored."));
      }
    }
    this.#tick();
  }

  #draw(sessions) {
    const head = ["Session", "Token", "User", "Account", "Created", "Expires", "Left"].map((each) => h("th", { scope: "col" }, each));
    return h("table", { class: "grid" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, sessions.map((each) => h("tr", {},
      h("th", { scope: "row" }, String(each.id)), h("td", {}, h("code", {}, each.token_fingerprint)),
      h("td", {}, each.external_user_id ? `${each.external_user_id} (local ${each.user_id})` : each.user_id),
      h("td", {}, each.external_account_id ? `${each.external_account_id} (local ${each.account_id})` : String(each.account_id)),
      h("td", {}, moment(each.created_at)), h("td", {}, moment(each.expires_at)),
      h("td", {}, h("span", { class: "left", "data-expires": each.expires_at }))))));
  }

  #tick() {
    if (!this.seen) return;
    for (const { table, now, at } of this.tables) {
      const passed = now + (performance.now() - at) / 1000;
      for (const element of table.querySelectorAll("[data-expires]")) {
        const left = Number(element.dataset.expires) - passed;
        setText(element, left > 0 ? span(left) : `expired ${span(left)} ago`);
        element.classList.toggle("over", left <= 0);
      }
    }
  }
}
