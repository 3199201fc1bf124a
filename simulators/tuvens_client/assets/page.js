// What all scripts of the page share.

const faults = new Set(document.documentElement.dataset.faults.split(" "));

/** Whether the simulator was started with this fault; honest: never. */
export function fault(name) {
  return faults.has(name);
}

/** Shows a text from outside as text. */
export function put(element, text) {
  if (fault("texts-as-html")) element.innerHTML = text;
  else if (element.textContent !== text) element.textContent = text;
}

/** A text of the page, by name. */
export function text(name) {
  return document.getElementById("texts").content.querySelector(`[data-text="${name}"]`).textContent;
}

/** Whether a URL is of an origin. */
export function isOf(url, origin) {
  try {
    return new URL(url).origin === new URL(origin).origin;
  } catch {
    return false;
  }
}
