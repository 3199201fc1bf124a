import { env } from '$env/dynamic/private';

/** tuvens-api's stream of updates, through this origin. */
export async function GET({ request, fetch }) {
	const headers = { accept: 'text/event-stream' };
	const last = request.headers.get('last-event-id');
	if (last) headers['last-event-id'] = last;
	const gone = new AbortController();
	request.signal.addEventListener('abort', () => gone.abort());
	let answer;
	try {
		answer = await fetch(`${env.TUVENS_API_URL}/api/events/updates`, { headers, signal: gone.signal });
	} catch {
		return new Response('Tuvens cannot be reached at the moment.', { status: 503 });
	}
	return new Response(answer.body, {
		status: answer.status,
		headers: {
			'content-type': answer.headers.get('content-type') ?? 'text/plain',
			'cache-control': 'no-store',
			'x-accel-buffering': 'no' // nginx holds a stream back otherwise
		}
	});
}
