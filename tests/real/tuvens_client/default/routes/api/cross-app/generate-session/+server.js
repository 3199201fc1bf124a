import { env } from '$env/dynamic/private';
import { error, json } from '@sveltejs/kit';

export async function POST({ request, fetch }) {
	const authorization = request.headers.get('authorization');
	if (!authorization) error(401, 'Unauthorized');
	const { account_id } = await request.json();
	const answer = await fetch(`${env.TUVENS_API_URL}/api/cross-app/generate-session`, {
		method: 'POST',
		headers: { authorization, 'content-type': 'application/json' },
		body: JSON.stringify({ account_id })
	});
	if (!answer.ok) error(answer.status, 'The session could not be generated');
	return json(await answer.json());
}
