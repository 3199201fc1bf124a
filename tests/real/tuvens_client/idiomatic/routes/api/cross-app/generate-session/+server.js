import { ask } from '$lib/server/tuvens.js';
import { json } from '@sveltejs/kit';

const LARGEST = 1_048_576;

/** tuvens-api's answer as it came; its own refusals have the same shape. */
export async function POST({ request, locals, url, fetch }) {
	const refusal = (statusCode, message) =>
		json({ statusCode, timestamp: new Date().toISOString(), path: url.pathname, message }, { status: statusCode });

	if (!locals.jwt) return refusal(401, 'Sign in first.');
	let body;
	try {
		body = await request.text();
	} catch {
		return refusal(413, 'The body is too large.');
	}
	if (body.length > LARGEST) return refusal(413, 'The body is too large.');
	let answer, text;
	try {
		answer = await ask(fetch, '/api/cross-app/generate-session', {
			jwt: locals.jwt,
			method: 'POST',
			body,
			headers: { 'content-type': 'application/json' }
		});
		text = await answer.text();
	} catch {
		return refusal(500, 'Tuvens cannot be reached at the moment.');
	}
	if (!answer.headers.get('content-type')?.includes('json')) return refusal(500, 'Tuvens failed.');
	const headers = new Headers({ 'cache-control': 'no-store', 'content-type': 'application/json' });
	for (const name of ['retry-after', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']) {
		if (answer.headers.has(name)) headers.set(name, answer.headers.get(name));
	}
	return new Response(text, { status: answer.status, headers });
}
