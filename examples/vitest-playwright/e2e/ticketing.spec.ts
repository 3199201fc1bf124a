import { expect, test } from "@playwright/test";
import { type Crossapp, reset, session } from "../tests/crossapp";

const crossapp = JSON.parse(process.env.CROSSAPP ?? "{}") as Crossapp;

test.beforeEach(() => reset(crossapp));

async function setStatus(event: number, status: string) {
  const { url } = crossapp.targets["hi.events"];
  const headers = { "content-type": "application/json", accept: "application/json" };
  const session_token = await session(crossapp, "organiser");
  const signIn = await fetch(`${url}/auth/cross-app/validate`, {
    method: "POST",
    headers,
    body: JSON.stringify({ session_token }),
  });
  const { token } = await signIn.json();
  const changed = await fetch(`${url}/events/${event}/status`, {
    method: "PUT",
    headers: { ...headers, authorization: `Bearer ${token}` },
    body: JSON.stringify({ status }),
  });
  expect(changed.status).toBe(200);
}

test("an open event page shows that ticket sales begin and pause", async ({ page }) => {
  const { hi, tuvens } = crossapp.events.linked[0];
  await page.goto(`${crossapp.targets["tuvens-client"].url}/event/${tuvens}`);
  await expect(page.getByText("Live updates are on.")).toBeVisible();
  await setStatus(hi, "LIVE");
  await expect(page.getByRole("button", { name: "Tickets on sale" })).toBeVisible();
  await setStatus(hi, "ENDED");
  await expect(page.getByRole("button", { name: "Ticket sales are paused" })).toBeVisible();
});
