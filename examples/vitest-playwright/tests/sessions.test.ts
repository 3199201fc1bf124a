import { beforeEach, expect, inject, test } from "vitest";
import { validate } from "../src/sessions";
import { control, reset, session } from "./crossapp";

const crossapp = inject("crossapp");
const { url } = crossapp.targets["tuvens-api"];
const secret = crossapp.credentials.shared_secret;

beforeEach(() => reset(crossapp));

test("a session tells its user", async () => {
  const user = await validate(url, secret, await session(crossapp, "organiser"));
  expect(user?.email).toBe("organiser@example.com");
});

test("a session lasts 15 minutes", async () => {
  const token = await session(crossapp, "organiser");
  await control(crossapp, "tuvens-api", "POST", "/clock/advance", { seconds: 15 * 60 + 1 });
  expect(await validate(url, secret, token)).toBeNull();
});

test("the client reports a wrong secret, and the journal has its request", async () => {
  await expect(validate(url, "wrong", "any token")).rejects.toThrow("401");
  const { exchanges } = await control(crossapp, "tuvens-api", "GET", "/journal?operation=validateSession");
  expect(exchanges.map((each: { status: number }) => each.status)).toEqual([401]);
});
