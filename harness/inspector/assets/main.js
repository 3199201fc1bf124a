// The page: connects, shows the views, knows the keys.

import { ApiError, forgetToken, get, host, setToken, takeToken } from "./api.js";
import { Clocks } from "./clock.js";
import { Deliveries } from "./deliveries.js";
import { $, h, setText } from "./dom.js";
import { Exchanges } from "./exchanges.js";
import { Faults } from "./faults.js";
import { Feed } from "./feed.js";
import { Sessions } from "./sessions.js";

const VIEWS = [["exchanges", "Exchanges"], ["deliveries", "Deliveries", Deliveries], ["sessions", "Sessions", Sessions],
  ["clock", "Clock", Clocks], ["faults", "Faults", Faults]];
const KEYS = [["j / ↓", "next exchange"], ["k / ↑", "previous exchange"], ["Enter", "open it"], ["Esc", "close; then clear the filter"],
  ["/", "search"], ["n / N", "next, previous one with a mark or a failure"], ["c", "copy the open one as curl"], ["End", "the newest"],
  ["p", "pause, go on"], ["1 … 5", "the views"], ["?", "this list"]];
const STATES = { waiting: "connecting", live: "● live", lost: "○ not connected", paused: "‖ paused", closed: "○ no access" };

let exchanges = null, feed = null, panes = {}, view = "exchanges", offered = [];

function state(name) {
  $("connection").dataset.state = name;
  setText($("connection"), STATES[name]);
  const lost = name === "lost";
  $("trouble").hidden = !lost;
  setText($("trouble"), lost ? `The control plane at ${host} does not respond. The page shows the last known state. Trying again…` : "");
}

function askForToken(why) {
  feed?.stop();
  state("closed");
  for (const [name] of VIEWS) $(name).hidden = true;
  $("tabs").hidden = true;
  $("door").hidden = false;
  if (why) setText($("door-why"), why);
  $("door-token").focus();
}

async function begin() {
  state("waiting");
  let lanes;
  try {
    lanes = await get("lanes");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      forgetToken();
      askForToken("This token has expired: every `crossapp up` creates a new one. Open the address that it printed, or paste its token.");
    } else if (error instanceof ApiError && error.status > 0) {
      askForToken(`The control plane refuses this page: ${error.message}.`);
    } else {
      state("lost");
      setTimeout(begin, 1000);
    }
    return;
  }
  $("door").hidden = true;
  build(lanes);
  feed.start();
}

function build(lanes) {
  if (exchanges) {
    select(view);
    $("tabs").hidden = false;
    return;
  }
  document.title = `Inspector · ${lanes.title} · crossapp`;
  exchanges = new Exchanges(lanes, {
    disconnect: () => { feed.stop(); state("paused"); },
    reconnect: () => { state("waiting"); feed.start(); },
  });
  feed = new Feed({
    state,
    start: (told) => exchanges.started(told),
    rows: (told) => {
      exchanges.add(told);
      for (const pane of Object.values(panes)) pane.soon();
    },
    messages: (told) => exchanges.addMessages(told),
    whole: () => exchanges.loaded(),
    refused: (error) => (error.status === 401 ? begin() : askForToken(`The control plane refuses this page: ${error.message}.`)),
  });
  offered = VIEWS.filter(([name]) => name === "exchanges" || lanes.apps.some((each) => each.offers.includes(name)));
  panes = Object.fromEntries(offered.filter(([, , kind]) => kind).map(([name, , Kind]) =>
    [name, new Kind($(name), lanes.apps.filter((each) => each.offers.includes(name)))]));
  $("tabs").replaceChildren(...offered.map(([name, words]) => h("button", {
    type: "button", role: "tab", id: `tab-${name}`, "aria-controls": name, onclick: () => select(name),
  }, words)));
  $("tabs").hidden = offered.length < 2;
  $("tabs").addEventListener("keydown", (event) => {
    const at = offered.findIndex(([name]) => name === view);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: offered.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(offered[(to + offered.length) % offered.length][0]);
    $(`tab-${view}`).focus();
  });
  select("exchanges");
}

function select(name) {
  view = name;
  for (const [each] of offered) {
    const here = each === name;
    $(each).hidden = !here;
    const tab = $(`tab-${each}`);
    tab.setAttribute("aria-selected", String(here));
    tab.tabIndex = here ? 0 : -1;
    if (here) panes[each]?.show();
    else panes[each]?.hide();
  }
  if (name === "exchanges") exchanges.list.draw();
}

function help() {
  if (!$("help-keys").children.length) {
    $("help-keys").replaceChildren(...KEYS.map(([keys, words]) => h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, words))));
  }
  if (!$("help").open) $("help").showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented || $("help").open || !exchanges || !$("door").hidden) return;
  const typing = event.target.closest("input, select, textarea");
  const here = view === "exchanges";
  if (event.key === "Escape" && here) {
    if (exchanges.details.isOpen && !typing) exchanges.close();
    else if (exchanges.filtered) exchanges.clearFilter();
    else if (typing) $("list").focus();
    return;
  }
  if (typing) return;
  const number = Number(event.key);
  if (event.key === "?") help();
  else if (number >= 1 && number <= offered.length) {
    select(offered[number - 1][0]);
    $(`tab-${view}`).focus();
  } else if (event.key === "/") {
    event.preventDefault();
    if (view !== "faults") select("exchanges");
    $(view === "faults" ? "fault-search" : "filter-text").focus();
  } else if (here) {
    const keys = { j: () => exchanges.move(1), k: () => exchanges.move(-1), n: () => exchanges.toMarked(1), N: () => exchanges.toMarked(-1),
      p: () => exchanges.pause(), c: () => exchanges.details.copyCurl() };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
    if (event.key.toLowerCase() === "j" || event.key === "k" || event.key.toLowerCase() === "n") $("list").focus();
  }
});

$("help-button").addEventListener("click", help);
$("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setToken($("door-token").value);
  $("door-token").value = "";
  begin();
});

if (takeToken()) begin();
else askForToken("");
