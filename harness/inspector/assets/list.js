// A list of rows of one height of which only those in sight are elements.

import { h } from "./dom.js";

const SPARE = 6;

export class VirtualList {
  // create() makes an empty row element, update(element, item, index) fills it, chosen(index) is told of a choice.
  constructor(scroller, { height, head, create, update, chosen, moved }) {
    this.scroller = scroller;
    this.height = height;
    this.create = create;
    this.update = update;
    this.chosen = chosen;
    this.items = [];
    this.active = -1;
    this.pool = [];
    this.space = h("div", { class: "space", role: "presentation" });
    this.head = head;
    scroller.append(head, this.space);
    scroller.addEventListener("scroll", () => { this.#soon(); moved(); }, { passive: true });
    this.space.addEventListener("click", (event) => {
      const element = event.target.closest("[data-index]");
      if (element) chosen(Number(element.dataset.index));
    });
    new ResizeObserver(() => this.#soon()).observe(scroller);
  }

  get visibleHeight() {
    return Math.max(this.height, this.scroller.clientHeight - this.head.offsetHeight);
  }

  get atEnd() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < this.height;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.draw();
  }

  show(items, active) {
    this.items = items;
    this.active = active;
    this.space.style.height = `${items.length * this.height}px`;
    this.draw();
  }

  activate(index) {
    this.active = index;
    const top = index * this.height;
    const { scrollTop } = this.scroller;
    if (index >= 0) {
      if (top < scrollTop) this.scroller.scrollTop = top;
      else if (top + this.height > scrollTop + this.visibleHeight) {
        this.scroller.scrollTop = top + this.height - this.visibleHeight;
      }
    }
    this.draw();
  }

  #soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  draw() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.height) - SPARE);
    const fitting = Math.ceil(this.visibleHeight / this.height) + 2 * SPARE;
    const last = Math.min(this.items.length, first + fitting);
    while (this.pool.length < last - first) {
      const element = this.create();
      this.space.append(element);
      this.pool.push(element);
    }
    // An element stays with its index while that is in sight: scrolling by one row changes one element.
    for (let slot = 0; slot < this.pool.length; slot += 1) {
      const element = this.pool[slot];
      const size = this.pool.length;
      const index = first + ((slot - (first % size) + size) % size);
      if (index >= last) {
        element.hidden = true;
        element.id = "";
        continue;
      }
      element.hidden = false;
      element.id = `row-${index}`;
      element.dataset.index = index;
      element.style.transform = `translateY(${index * this.height}px)`;
      element.setAttribute("aria-posinset", index + 1);
      element.setAttribute("aria-setsize", this.items.length);
      element.setAttribute("aria-selected", index === this.active ? "true" : "false");
      this.update(element, this.items[index], index);
    }
    if (this.active >= first && this.active < last) {
      this.scroller.setAttribute("aria-activedescendant", `row-${this.active}`);
    } else {
      this.scroller.removeAttribute("aria-activedescendant");
    }
  }
}
