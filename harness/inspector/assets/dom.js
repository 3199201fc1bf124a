// Elements from values. Text becomes a text node, never markup: what an exchange holds is shown, not interpreted.

export const $ = (id) => document.getElementById(id);

// h("button", {type: "button", class: "quiet", onclick: go}, "Go"): attributes, listeners (on…), children; null is nothing.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

// Puts new children into an element; what had the focus and is there again (by id) gets it back.
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Sets the text where it is another one: less to lay out, and no announcement of what is not new.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A table that becomes a list of cards where there is little room: each cell knows its column, and the roles are said,
// for a browser takes the roles of a table away with its layout. A row is its cells, the first one its header; a row with
// `inside` is one cell over all columns.
export function table(heads, rows, kind = "") {
  const shown = heads.map((each) => h("th", { scope: "col", role: "columnheader" }, each));
  return h("table", { class: `grid ${kind}`, role: "table" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, shown)),
    h("tbody", { role: "rowgroup" }, rows.map((each) => line(heads, each))));
}

export function line(heads, cells) {
  if (cells.inside) {
    return h("tr", { class: "inner", role: "row" }, h("td", { colspan: heads.length, role: "cell" }, cells.inside));
  }
  return h("tr", { role: "row" }, cells.map((each, at) => (at === 0
    ? h("th", { scope: "row", role: "rowheader", "data-label": heads[at] }, each)
    : h("td", { role: "cell", "data-label": heads[at] }, each))));
}

// Tells a screen reader.
export function say(text) {
  $("said").textContent = text;
}

export async function copy(text, button) {
  const before = button.dataset.label ?? button.textContent;
  button.dataset.label = before;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = false;
  }
  button.textContent = done ? "Copied" : "Select and copy it below";
  say(button.textContent);
  setTimeout(() => { button.textContent = before; }, 1600);
}
