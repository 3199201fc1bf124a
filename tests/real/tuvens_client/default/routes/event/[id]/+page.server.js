import { env } from '$env/dynamic/private';
import { error } from '@sveltejs/kit';

export async function load({ params, fetch }) {
	const answer = await fetch(`${env.TUVENS_API_URL}/api/events/${params.id}`);
	if (!answer.ok) error(answer.status, 'The event could not be read');
	return { event: await answer.json(), api: env.TUVENS_API_URL, hiEvents: env.HI_EVENTS_URL };
}
