import type { components, paths } from "./tuvens-api";
import type { paths as HiEvents } from "./hi.events";
import type { paths as Client } from "./tuvens-client";

type Json<Operation extends { responses: { 200: { content: { "application/json": unknown } } } }> =
  Operation["responses"][200]["content"]["application/json"];

type SignIn = Json<HiEvents["/auth/cross-app/validate"]["post"]>;
type Session = Json<Client["/api/cross-app/generate-session"]["post"]>;

export const request: components["schemas"]["ValidateSessionRequest"] = { session_token: "a token" };

export function shown(user: Json<paths["/api/cross-app/validate-session"]["post"]>, signIn: SignIn, session: Session) {
  const account: number | null | undefined = user.account_id;
  return `${user.email} ${account} ${signIn.token.length} ${session.session_token.length}`;
}

// @ts-expect-error: an account's id is a number
export const text: components["schemas"]["GenerateSessionRequest"] = { account_id: "123" };

// @ts-expect-error: the permission is missing
export const incomplete: components["schemas"]["ValidatePermissionRequest"] = { session_token: "a token" };
