/** What `crossapp up --json` prints, and calls of the simulators' control planes. */
export type App = "tuvens-api" | "hi.events" | "tuvens-client";

export interface Crossapp {
  targets: Record<App, { url: string; control: { url: string; token: string } }>;
  credentials: { shared_secret: string };
  users: { role: string; jwt: string; account_id: number }[];
  events: { linked: { hi: number; tuvens: string }[] };
}

export async function control(crossapp: Crossapp, app: App, method: string, path: string, body?: unknown) {
  const { url, token } = crossapp.targets[app].control;
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${app}: ${method} ${path} returned ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Everything as it was at the start; hi.events first, which then forgets webhooks that are still to be sent. */
export async function reset(crossapp: Crossapp) {
  for (const app of ["hi.events", "tuvens-api", "tuvens-client"] as const) {
    await control(crossapp, app, "POST", "/reset?everything=true");
  }
}

/** A new session token of a user, by role. */
export async function session(crossapp: Crossapp, role: string): Promise<string> {
  const user = crossapp.users.find((each) => each.role === role)!;
  const response = await fetch(`${crossapp.targets["tuvens-api"].url}/api/cross-app/generate-session`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.jwt}`, "content-type": "application/json" },
    body: JSON.stringify({ account_id: user.account_id }),
  });
  return (await response.json()).session_token;
}
