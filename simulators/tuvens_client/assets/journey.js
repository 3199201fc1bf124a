// From the event page to hi.events: a session is generated, then the browser goes there with it.

import { put, text } from "./page.js";

const PATIENCE = 15000;
const WHY = { 400: "invalid", 401: "signed-out", 403: "forbidden", 429: "too-many" };

class Refused extends Error {
  constructor(name, said = "") {
    super(name);
    this.name = name;
    this.said = said;
  }
}

async function generate(accountId) {
  let answer;
  try {
    answer = await fetch("/api/cross-app/generate-session", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ account_id: accountId }),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    throw new Refused(error.name === "TimeoutError" ? "timeout" : "network");
  }
  const value = await answer.json().catch(() => null);
  if (!answer.ok) {
    // Text, or a list of texts.
    const said = [value?.message ?? ""].flat().filter((each) => typeof each === "string");
    throw new Refused(WHY[answer.status] ?? "failed", said.join(", ").slice(0, 300));
  }
  if (typeof value?.session_token !== "string" || !value.session_token) throw new Refused("nonsense");
  return value.session_token;
}

function destination(hiEvents, event, token, create) {
  const params = new URLSearchParams({
    session_token: token,
    return_url: `${location.origin}/hi-events/callback`,
    app_id: "tuvens",
    account_id: String(event.account_id),
    event_id: String(event.id),
    timestamp: String(Date.now()),
  });
  if (create) {
    params.set("action", "create_event");
    params.set(
      "event_data",
      JSON.stringify({
        title: event.title,
        description: event.description ?? "",
        start_date: event.startDate,
        end_date: event.endDate,
      }),
    );
  }
  return `${hiEvents}/auth/cross-app?${params}`;
}

/** Makes the organiser's buttons work; `current` gives the event as it is known now. */
export function arrangeJourney({ current, hiEvents }) {
  const buttons = [document.getElementById("enable"), document.getElementById("manage")];
  const status = document.getElementById("enabling");
  const failed = document.getElementById("enabling-failed");
  const why = document.getElementById("enabling-why");
  const said = document.getElementById("enabling-said");
  const again = document.getElementById("enabling-again");
  const signIn = document.getElementById("enabling-sign-in");
  let busy = false;
  let last = buttons[0];

  function setBusy(yes) {
    busy = yes;
    for (const each of [...buttons, again]) each.setAttribute("aria-disabled", String(yes));
    put(status, yes ? text("enabling") : "");
  }

  function show(error) {
    put(why, text(error.name));
    put(said, error.said);
    said.hidden = !error.said;
    signIn.hidden = error.name !== "signed-out";
    failed.hidden = false;
  }

  async function go(button) {
    if (busy) return;
    last = button;
    setBusy(true);
    failed.hidden = true;
    try {
      const event = current();
      const token = await generate(event.account_id);
      location.assign(destination(hiEvents, event, token, button.id === "enable"));
    } catch (error) {
      setBusy(false);
      show(error instanceof Refused ? error : new Refused("failed"));
    }
  }

  for (const each of buttons) {
    each.setAttribute("aria-disabled", "false");
    each.addEventListener("click", () => go(each));
  }
  again.addEventListener("click", () => {
    last.focus();
    go(last);
  });
  // Whoever comes back with the browser's Back finds the button as it was.
  addEventListener("pageshow", (each) => each.persisted && setBusy(false));
}
