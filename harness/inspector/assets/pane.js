// A view that reads the control plane while it is seen.

import { h, say } from "./dom.js";

const EVERY = 2000;

export class Pane {
  constructor(element, apps) {
    this.element = element;
    this.apps = apps;
    this.timer = 0;
    this.seen = false;
    this.built = false;
  }

  show() {
    this.seen = true;
    if (!this.built) {
      this.built = true;
      this.build();
    }
    this.#again(0);
  }

  hide() {
    this.seen = false;
    clearTimeout(this.timer);
  }

  // Something happened: do not wait for the next turn.
  soon() {
    if (this.seen) this.#again(300);
  }

  #again(after) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      if (!this.seen) return;
      try {
        await this.read();
        this.trouble("");
      } catch (error) {
        this.trouble(error.message);
      }
      if (this.seen) this.#again(EVERY);
    }, after);
  }

  // Runs what a button does, says what came of it, reads anew.
  async act(button, work) {
    button.disabled = true;
    try {
      const told = await work();
      this.trouble("");
      if (told) {
        this.note.textContent = told;
        say(told);
      }
      await this.read();
    } catch (error) {
      this.trouble(error.message);
    } finally {
      button.disabled = false;
    }
  }

  head(title, words) {
    this.note = h("p", { class: "note" });
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    return [h("h2", {}, title), h("p", { class: "soft" }, words), this.note, this.problem];
  }

  trouble(text) {
    if (!this.problem) return;
    this.problem.hidden = !text;
    if (this.problem.textContent !== text) this.problem.textContent = text;
  }
}
