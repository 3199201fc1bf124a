// The control plane's API, one level above the page. The token is in memory and in this tab's session storage.

const BASE = new URL("../", location.href.split(/[?#]/)[0]);
const STORED = "crossapp-control-token";

export class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let token = "";

// Takes the token from the address, where it does not stay, else from this tab's memory. Returns whether there is one.
export function takeToken() {
  const given = decodeURIComponent(location.hash.slice(1));
  if (given && !given.includes("=")) {
    setToken(given);
    history.replaceState(null, "", location.pathname + location.search);
  } else {
    token = sessionStorage.getItem(STORED) ?? "";
  }
  return token !== "";
}

export function setToken(value) {
  token = value.trim();
  sessionStorage.setItem(STORED, token);
}

export function forgetToken() {
  token = "";
  sessionStorage.removeItem(STORED);
}

async function send(method, path, { body, signal } = {}) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = { method, headers, signal, cache: "no-store", credentials: "omit", redirect: "error" };
  let answer;
  try {
    answer = await fetch(new URL(path, BASE), body === undefined ? options : { ...options, body: JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, `the control plane at ${BASE.host} does not answer`);
  }
  if (answer.ok) return answer;
  let detail = `the control plane answered ${answer.status}`;
  try {
    const told = (await answer.json()).detail;
    detail = typeof told === "string" ? told : told?.[0]?.msg ?? detail;
  } catch { /* no JSON: the status has to do */ }
  throw new ApiError(answer.status, detail);
}

export const open = (path, signal) => send("GET", path, { signal });
export const get = async (path) => (await send("GET", path)).json();
export const put = async (path, body) => (await send("PUT", path, { body })).json();
export const post = async (path, body) => (await send("POST", path, { body })).json();
export const remove = async (path) => (await send("DELETE", path)).json();
export const of = (app, path) => `apps/${encodeURIComponent(app)}/${path}`;
export const host = BASE.host;
