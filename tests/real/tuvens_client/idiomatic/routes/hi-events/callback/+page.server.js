import { ask } from '$lib/server/tuvens.js';

/** Both spellings of the parameters are read. */
export async function load({ url, locals, fetch }) {
	const param = (...names) => names.map((name) => url.searchParams.get(name)).find(Boolean) ?? '';
	const event = param('event_id', 'tuvens_event_id');
	const status = param('status') || (param('success') === 'true' ? 'success' : 'error');
	if (status === 'cancelled') return { outcome: 'cancelled', event };
	if (status !== 'success') {
		return { outcome: 'error', event, message: param('error_message', 'message') || 'Something went wrong at Hi.Events.' };
	}
	return { outcome: (await link(event)) ? 'success' : 'unlinked', event };

	async function link(id) {
		const hiEventsEventId = param('hi_events_event_id');
		if (!id || !hiEventsEventId) return false;
		try {
			const answer = await ask(fetch, `/api/events/${encodeURIComponent(id)}`, {
				jwt: locals.jwt,
				method: 'PATCH',
				body: JSON.stringify({ hasTicketing: true, hiEventsEventId }),
				headers: { 'content-type': 'application/json' }
			});
			return answer.ok;
		} catch {
			return false;
		}
	}
}
