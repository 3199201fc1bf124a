// The manage page: each button is a call of the API with the session's bearer token.

const COOKIE = "hi_events_session";
const PATIENCE = 15000;

function bearer() {
  const found = document.cookie.split("; ").find((each) => each.startsWith(`${COOKIE}=`));
  return found ? found.slice(COOKIE.length + 1) : "";
}

const texts = document.getElementById("texts").content;
const text = (name) => texts.querySelector(`[data-text="${name}"]`).textContent;

async function change(event, status) {
  let answer;
  try {
    answer = await fetch(`/events/${encodeURIComponent(event)}/status`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${bearer()}`, "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ status }),
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    return "network";
  }
  if (answer.ok) return "";
  return { 401: "over", 403: "forbidden" }[answer.status] ?? "failed";
}

for (const section of document.querySelectorAll("[data-event]")) {
  const buttons = [...section.querySelectorAll("button[data-status]")];
  const state = section.querySelector("[data-part=state]");
  const told = section.querySelector("[data-part=told]");
  const problem = section.querySelector("[data-part=problem]");
  let busy = false;

  for (const button of buttons) {
    button.addEventListener("click", async () => {
      if (busy || button.getAttribute("aria-disabled") === "true") return;
      busy = true;
      problem.textContent = "";
      told.textContent = text("changing");
      const failed = await change(section.dataset.event, button.dataset.status);
      busy = false;
      told.textContent = "";
      if (failed) {
        problem.textContent = text(failed);
        return;
      }
      for (const each of buttons) each.setAttribute("aria-disabled", String(each === button));
      state.textContent = button.dataset.word;
      told.textContent = button.dataset.told;
    });
  }
}
