// What all scripts of the page share.

/** Shows a text from outside as text. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
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
