// How times, statuses and spans are written.

const PHRASES = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved", 302: "Found", 303: "See Other",
  304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
  403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
  413: "Content Too Large", 415: "Unsupported Media Type", 421: "Misdirected", 422: "Unprocessable",
  424: "Failed Dependency", 429: "Too Many Requests", 500: "Server Error", 502: "Bad Gateway",
  503: "Service Unavailable", 504: "Gateway Timeout",
};

export const NO_ANSWER = "no answer";
export const STREAM_MESSAGE = "event stream message";

export function statusWords(status) {
  if (status === undefined || status === null) return NO_ANSWER;
  return PHRASES[status] ? `${status} ${PHRASES[status]}` : String(status);
}

// The class of a status: 2xx, 3xx, 4xx, 5xx, or none.
export function statusClass(status) {
  return status === undefined || status === null ? "none" : `${Math.floor(status / 100)}xx`;
}

const pad = (number, width = 2) => String(number).padStart(width, "0");

// Unix seconds as local time of day.
export function timeOfDay(seconds, millis = true) {
  const date = new Date(seconds * 1000);
  const text = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return millis ? `${text}.${pad(date.getMilliseconds(), 3)}` : text;
}

// Unix seconds as a date and time in UTC, as the applications write them.
export function moment(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

export function duration(ms) {
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000);
}

// Seconds in the largest units, two of them: 1 h 5 min.
export function span(seconds, units = 2) {
  const whole = Math.round(Math.abs(seconds));
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + units).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
