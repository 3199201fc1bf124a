// The tickets of an active event: an iframe that is not loaded before it is near the viewport, and a link beside it.

import { isOf, text } from "./page.js";

const NEAR = "200px";
const PATIENCE = 15000;

export class Tickets {
  /** `origin`: where hi.events' pages are; nothing of another origin is framed or linked. */
  constructor(origin) {
    this.origin = origin;
    this.place = document.getElementById("tickets-frame");
    this.loading = document.getElementById("tickets-loading");
    this.failed = document.getElementById("tickets-failed");
    this.link = document.getElementById("tickets-link");
    this.url = "";
    document.getElementById("tickets-again").addEventListener("click", () => this.load());
  }

  show(event) {
    const url = event.hi_events_event_url ?? "";
    if (url === this.url && url) return;
    this.remove();
    this.url = url;
    const known = isOf(url, this.origin);
    this.link.hidden = !known;
    if (!known) {
      this.loading.hidden = true;
      this.failed.hidden = false;
      return;
    }
    this.link.href = url;
    this.title = `${text("frame")} ${event.title}`;
    this.load();
  }

  load() {
    this.unload();
    if (!isOf(this.url, this.origin)) {
      this.failed.hidden = false;
      return;
    }
    const frame = document.createElement("iframe");
    frame.title = this.title;
    frame.referrerPolicy = "strict-origin-when-cross-origin";
    frame.allow = "payment";
    this.place.append(frame);
    this.loading.hidden = false;
    const start = () => {
      this.patience = setTimeout(() => {
        this.loading.hidden = true;
        this.failed.hidden = false;
      }, PATIENCE);
      frame.addEventListener("load", () => {
        clearTimeout(this.patience);
        this.loading.hidden = true;
        this.failed.hidden = true;
        frame.dataset.ready = "yes";
      });
      frame.src = `${this.url.replace(/\/$/, "")}/embed`;
    };
    frame.loading = "lazy";
    this.watcher = new IntersectionObserver(
      (seen) => {
        if (!seen.some((each) => each.isIntersecting)) return;
        this.watcher.disconnect();
        start();
      },
      { rootMargin: NEAR },
    );
    this.watcher.observe(frame);
  }

  remove() {
    this.unload();
    this.url = "";
    this.link.removeAttribute("href");
  }

  unload() {
    this.watcher?.disconnect();
    clearTimeout(this.patience);
    this.place.replaceChildren();
    this.failed.hidden = true;
  }
}
