import { readFileSync } from 'node:fs';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export interface Seed {
  accounts: { id: number; name: string; slug: string }[];
  users: { id: number; email: string; name: string | null; memberships?: Record<string, string[]> }[];
  events: {
    id: string; account_id: number; title: string; description: string; start_date: string; end_date: string;
  }[];
}

/** The settings of this process, from the environment. */
export const settings = {
  port: Number(required('PORT')),
  flavour: process.env.FLAVOUR ?? 'idiomatic',
  seed: JSON.parse(readFileSync(required('SEED'), 'utf8')) as Seed,
  databaseUrl: required('DATABASE_URL'),
  sharedSecret: required('HI_EVENTS_SHARED_SECRET'),
  jwtSecret: required('JWT_SECRET'),
  sessionSeconds: Number(process.env.CROSS_APP_SESSION_EXPIRY ?? 900),
  hiEventsUrl: required('HI_EVENTS_URL'),
  origins: [
    `https://${process.env.HI_EVENTS_DOMAIN ?? 'tickets.tuvens.com'}`,
    new URL(required('HI_EVENTS_URL')).origin,
    new URL(required('TUVENS_CLIENT_URL')).origin,
  ],
};

/** Requests a minute that a route serves. */
export function perMinute(limit: number): number {
  return process.env.RATE_LIMITS === 'raised' ? 100_000 : limit;
}
