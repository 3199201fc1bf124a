import { env } from '$env/dynamic/private';

export function load({ url }) {
	return { ...Object.fromEntries(url.searchParams), api: env.TUVENS_API_URL };
}
