import { env } from '$env/dynamic/private';
import { error } from '@sveltejs/kit';

/** A request to tuvens-api with the user's JWT. Throws what fetch throws where it cannot be reached. */
export function ask(fetch, path, { jwt, ...options } = {}) {
	const headers = { accept: 'application/json', ...options.headers };
	if (jwt) headers.authorization = `Bearer ${jwt}`;
	return fetch(env.TUVENS_API_URL + path, { redirect: 'manual', signal: AbortSignal.timeout(10_000), ...options, headers });
}

/** An event, for a page: 404 where there is none, 503 where tuvens-api gives none. */
export async function readEvent(fetch, id) {
	let answer, event;
	try {
		answer = await ask(fetch, `/api/events/${encodeURIComponent(id)}`);
		event = answer.ok ? await answer.json() : null;
	} catch {
		error(503, 'Tuvens cannot be reached at the moment.');
	}
	if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) error(404, 'There is no such event.');
	if (!event) error(503, 'Tuvens cannot be reached at the moment.');
	return event;
}
