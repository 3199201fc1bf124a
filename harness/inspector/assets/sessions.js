// The sessions of the applications, and how long they live by the application's own clock.

import { get, of } from "./api.js";
import { fill, h, setText, table } from "./dom.js";
import { Pane } from "./pane.js";
import { moment, plural, span } from "./words.js";

const SHOWN = 200;
const HEADS = ["Session", "Token", "User", "Account", "Created", "Expires", "Left"];

export class Sessions extends Pane {
  build() {
    this.tables = this.apps.map(({ name }) => {
      const count = h("p", { class: "soft" });
      const holder = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Sessions of ${name}` });
      return { name, count, holder, shape: "" };
    });
    this.element.append(...this.head("Sessions", "Tokens are shown as the first digits of their SHA-256. Expiry follows the application's clock (view Clock)."),
      ...this.tables.flatMap(({ name, count, holder }) => [h("h3", {}, name), count, holder]));
    setInterval(() => this.#tick(), 1000);
  }

  async read() {
    for (const each of this.tables) {
      const { sessions, total, now } = await get(of(each.name, `sessions?limit=${SHOWN}`));
      each.now = now;
      each.at = performance.now();
      setText(each.count, total > sessions.length ? `${plural(total, "session")}, the newest ${SHOWN} shown` : plural(total, "session"));
      const shape = JSON.stringify(sessions);
      if (shape !== each.shape) {
        each.shape = shape;
        fill(each.holder, sessions.length ? this.#draw(sessions.reverse()) : h("p", { class: "empty" }, "No session is stored."));
      }
    }
    this.#tick();
  }

  #draw(sessions) {
    const both = (here, there) => (there ? `${there} (local ${here})` : String(here));
    return table(HEADS, sessions.map((each) => [String(each.id), h("code", {}, each.token_fingerprint),
      both(each.user_id, each.external_user_id), both(each.account_id, each.external_account_id),
      moment(each.created_at), moment(each.expires_at), h("span", { class: "left", "data-expires": each.expires_at })]));
  }

  #tick() {
    if (!this.seen) return;
    for (const { holder, now, at } of this.tables) {
      const passed = now + (performance.now() - at) / 1000;
      for (const element of holder.querySelectorAll("[data-expires]")) {
        const left = Number(element.dataset.expires) - passed;
        setText(element, left > 0 ? span(left) : `expired ${span(left)} ago`);
        element.classList.toggle("over", left <= 0);
      }
    }
  }
}
