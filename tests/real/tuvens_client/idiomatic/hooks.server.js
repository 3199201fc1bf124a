/** The user's JWT comes in the cookie `jwt`, or as a bearer token. */
export async function handle({ event, resolve }) {
	const header = event.request.headers.get('authorization');
	event.locals.jwt = header?.match(/^Bearer +(\S+)$/i)?.[1] ?? event.cookies.get('jwt') ?? null;
	const response = await resolve(event);
	response.headers.set('referrer-policy', 'same-origin');
	response.headers.set('x-content-type-options', 'nosniff');
	return response;
}
