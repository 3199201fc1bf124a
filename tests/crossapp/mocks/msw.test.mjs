// The mocks behind msw and Node's own fetch; crossapp-mocks.js beside this file is what `crossapp mocks --msw` wrote.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { setupServer } from "msw/node";
import { mockHiEvents, mockTuvensApi, namesOf } from "./crossapp-mocks.js";

const LIVE = "the organiser has a live session";
const TOKEN = "Zm9yLXRoZS1kb2N1bWVudC1vbmx5LW5vdC1hLXRva2Vu";
const server = setupServer();

before(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
after(() => server.close());

function using(mock) {
  server.use(...mock.handlers);
  return mock;
}

function send(url, { method = "POST", json, headers = {} } = {}) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const type = body === undefined ? {} : { "content-type": "application/json" };
  return fetch(url, { method, body, headers: { ...type, ...headers } });
}

const validate = (api, token, secret = "crossapp.shared-secret") =>
  send(`${api.url}/api/cross-app/validate-session`, {
    json: { session_token: token },
    headers: { "x-shared-secret": secret },
  });

async function refused(api, pattern, request) {
  await assert.rejects(request, TypeError);
  assert.match(api.unexpected.at(-1), pattern);
}

test("a client reads whose session it is", async () => {
  const api = using(mockTuvensApi({ given: LIVE }));
  assert.equal((await (await validate(api, TOKEN)).json()).email, "user@example.com");
  assert.deepEqual(api.called, ["validate_session_tells_whose_it_is"]);
  assert.ok(!api.unused.includes("validate_session_tells_whose_it_is"));
  api.assertAllExpected();
});

test("a provider state is chosen by name", async () => {
  assert.equal((await validate(using(mockTuvensApi({ given: "the session has expired" })), "any")).status, 404);
  const given = ["the organiser belongs to the account", LIVE];
  const api = using(mockTuvensApi({ given, url: "http://localhost:3000/v1/" }));
  const headers = { authorization: "Bearer crossapp.jwt.organiser" };
  const made = await send(`${api.url}/api/cross-app/generate-session`, { json: { account_id: 7 }, headers });
  assert.equal((await validate(api, (await made.json()).session_token)).status, 200);
});

test("without a state each operation returns its example", async () => {
  const hiEvents = using(mockHiEvents());
  const headers = { authorization: "Bearer any", accept: "application/json" };
  const changed = await send(`${hiEvents.url}/events/2/status`, { method: "PUT", json: { status: "LIVE" }, headers });
  assert.equal((await changed.json()).status, "LIVE");
  assert.equal((await fetch(`${hiEvents.url}/widget/2`)).headers.get("content-type"), "text/html");
});

test("a fault is the documented error", async () => {
  const response = await validate(using(mockTuvensApi({ fault: "too_many_requests" })), "any", "any");
  assert.equal(response.status, 429);
  assert.equal((await response.json()).message, "Too many requests");
});

test("credentials of a test replace the placeholders", async () => {
  const api = using(mockTuvensApi({ given: LIVE, values: { "crossapp.shared-secret": "of this test" } }));
  assert.equal((await validate(api, TOKEN, "of this test")).status, 200);
  await refused(api, /\/headers\/x-shared-secret: /, validate(api, TOKEN, "another one"));
  assert.doesNotMatch(api.unexpected[0], /another one/);
});

test("a request that the document forbids is refused", async () => {
  const api = using(mockTuvensApi());
  const headers = { "x-shared-secret": "any" };
  const url = `${api.url}/api/cross-app/validate-session`;
  await refused(api, /forbids .*validateSession:\n  \/body\/session_token: must be string/, validate(api, 7));
  await refused(api, /\/body\/session_token: /, validate(api, ""));
  await refused(api, /\/headers\/x-shared-secret: is required/, send(url, { json: { session_token: "any" } }));
  await refused(api, /\/headers\/content-type: /, fetch(url, { method: "POST", headers, body: "session_token=any" }));
  await refused(api, /\/body: is required/, send(url, { headers }));
  await refused(
    api,
    /\/query\/session_token: is required/,
    send(`${api.url}/api/cross-app/user-accounts`, { method: "GET", headers }),
  );
  await refused(api, /no operation GET \/api\/nothing/, fetch(`${api.url}/api/nothing`));
  await refused(api, /streamEventUpdates is unexpected/, fetch(`${api.url}/api/events/updates`));
  const belongs = using(mockTuvensApi({ given: "the organiser belongs to the account", url: "http://other.test" }));
  const jwt = { authorization: "Bearer crossapp.jwt.organiser" };
  const wrong = send(`${belongs.url}/api/cross-app/generate-session`, { json: { account_id: -3 }, headers: jwt });
  await refused(belongs, /forbids .*\n  \/body\/account_id: /, wrong);
});

test("a forbidden request is served by the interaction about it", async () => {
  const api = using(mockTuvensApi({ given: LIVE }));
  assert.equal((await validate(api, "")).status, 400);
  assert.deepEqual(api.called, ["validate_session_empty_token"]);
});

test("what is unexpected or unused is named", async () => {
  const api = using(mockTuvensApi({ given: LIVE, only: ["user_accounts_lists_them"] }));
  await refused(api, /validateSession is unexpected/, validate(api, TOKEN));
  const headers = { "x-shared-secret": "crossapp.shared-secret" };
  const listed = send(`${api.url}/api/cross-app/user-accounts?session_token=x`, { method: "GET", headers });
  await refused(api, /user_accounts_lists_them differs in\n  \/query\/session_token: /, listed);
  assert.throws(() => api.assertAllExpected(), /validateSession is unexpected/);
  assert.throws(() => api.assertAllCalled(), /user_accounts_lists_them$/);
});

test("a webhook counts with its signature alone", async () => {
  const api = using(mockTuvensApi({ given: "the event exists", values: { "crossapp.shared-secret": "s3cret" } }));
  const payload = { id: 5, title: "Event Title", status: "LIVE", tuvens_event_id: "77" };
  const json = { event_type: "event.status_changed", event_sent_at: "2025-07-26T14:30:00.000Z", payload };
  const deliver = (secret) => {
    const signature = `sha256=${createHmac("sha256", secret).update(JSON.stringify(json)).digest("hex")}`;
    const headers = { "x-hi-events-signature": signature };
    return send(`${api.url}/api/webhooks/hi-events/event-status-changed`, { json, headers });
  };
  assert.equal((await (await deliver("s3cret")).json()).success, true);
  assert.deepEqual(api.called, ["webhook_live"]);
  await refused(api, /\/headers\/x-hi-events-signature: the signature/, deliver("another"));
});

test("names that do not exist are refused", () => {
  assert.throws(() => mockTuvensApi({ given: "nothing" }), /no provider state "nothing"; it has .*live session/);
  assert.throws(() => mockTuvensApi({ fault: "nothing" }), /no fault "nothing"; it has .*too_many_requests/);
  assert.throws(() => mockTuvensApi({ only: ["nothing"] }), /no interaction "nothing"; it has generateSession, validateSession/);
  assert.ok(namesOf("hi.events").faults.includes("unauthorized"));
});
