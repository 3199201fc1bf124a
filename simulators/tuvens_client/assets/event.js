// The event page: one rendering of the ticketing widget for the first state and for every later one.

import { follow } from "./updates.js";
import { arrangeJourney } from "./journey.js";
import { Tickets } from "./tickets.js";
import { put } from "./page.js";

const STATES = ["active", "setup", "inactive"];

const section = document.getElementById("ticketing");
const title = document.getElementById("ticketing-title");
const panel = document.getElementById("ticketing-panel");
const news = document.getElementById("news");
const live = document.getElementById("live");
const states = [...panel.querySelectorAll(":scope > [data-state]")];
const { api, hiEvents, signedIn } = section.dataset;

let event = JSON.parse(document.getElementById("event").textContent);
let shown = "";
let asked = 0;

const tickets = new Tickets(hiEvents);

function stateOf(value) {
  const enabled = value.ticketing_enabled ?? value.hasTicketing;
  const status = value.ticketing_status ?? value.ticketStatus;
  if (!enabled || !status) return "none";
  return STATES.includes(status) ? status : "setup";
}

function render(value) {
  event = value;
  const state = stateOf(value);
  const current = states.find((each) => each.dataset.state === state);
  for (const each of states) each.hidden = each !== current;
  put(title, current.dataset.title);
  if (state === "active") tickets.show(value);
  else tickets.remove();
  for (const each of document.querySelectorAll("#organiser [data-when]")) {
    each.hidden = !each.dataset.when.split(" ").includes(state);
  }
  if (shown && shown !== state) news.textContent = current.dataset.news;
  shown = state;
}

async function refresh() {
  asked += 1;
  const mine = asked;
  const answer = await fetch(`${api}/api/events/${encodeURIComponent(event.id)}`, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    credentials: "omit",
    signal: AbortSignal.timeout(10000),
  });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const value = await answer.json();
  // An answer that was overtaken by a later question is of the past.
  if (mine === asked) render(value);
}

function told(message) {
  if (message.type !== "ticketing_status_changed" || String(message.eventId) !== String(event.id)) return;
  // The event says more than the message, such as where its tickets are. If it cannot be had, the message must do.
  refresh().catch(() => render({ ...event, ticketing_enabled: true, ticketing_status: message.status }));
}

title.addEventListener("click", () => {
  const open = title.getAttribute("aria-expanded") !== "true";
  title.setAttribute("aria-expanded", String(open));
  panel.hidden = !open;
});

render(event);
if (signedIn === "yes") document.getElementById("organiser").hidden = false;
arrangeJourney({ current: () => event, hiEvents });
follow(`${api}/api/events/updates`, {
  told,
  // What was changed while nobody listened is asked for: the page, too, was made before the first opening.
  opened: () => refresh().catch(() => {}),
  connected: (yes) => put(live, yes ? live.dataset.live : live.dataset.lost),
});
