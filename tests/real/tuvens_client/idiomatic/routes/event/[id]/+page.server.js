import { env } from '$env/dynamic/private';
import { readEvent } from '$lib/server/tuvens.js';

export async function load({ params, locals, fetch, depends }) {
	depends('tuvens:event');
	const event = await readEvent(fetch, params.id);
	return { event, signedIn: Boolean(locals.jwt), hiEvents: env.HI_EVENTS_URL };
}
