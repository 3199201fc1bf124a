/** The client under test: it asks tuvens-api whose session a token is. */
export interface User {
  user_id: string;
  email: string;
}

export async function validate(url: string, secret: string, token: string): Promise<User | null> {
  const response = await fetch(`${url}/api/cross-app/validate-session`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-shared-secret": secret },
    body: JSON.stringify({ session_token: token }),
  });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`tuvens-api responded with ${response.status}`);
  return (await response.json()) as User;
}
