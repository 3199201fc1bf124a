import { Injectable, OnModuleInit } from '@nestjs/common';
import { Pool, PoolClient, QueryResultRow } from 'pg';
import { settings } from './settings';

const TABLES = `
DROP TABLE IF EXISTS "crossAppAudit", "crossAppSession", "webhookDelivery", "eventMessage", event, membership, "user", account;
CREATE TABLE account (id integer PRIMARY KEY, name text NOT NULL, slug text NOT NULL);
CREATE TABLE "user" (id integer PRIMARY KEY, email text NOT NULL UNIQUE, name text);
CREATE TABLE membership (
  "userId" integer NOT NULL REFERENCES "user" ON DELETE CASCADE,
  "accountId" integer NOT NULL REFERENCES account ON DELETE CASCADE,
  permissions text[] NOT NULL,
  PRIMARY KEY ("userId", "accountId")
);
CREATE TABLE event (
  id text PRIMARY KEY,
  "accountId" integer NOT NULL REFERENCES account,
  title text NOT NULL,
  description text,
  "startDate" text NOT NULL,
  "endDate" text,
  "ticketingStatus" text,
  "hiEventsEventId" text,
  "contactData" text,
  "lastSentAt" bigint
);
CREATE TABLE "webhookDelivery" (
  "eventId" text NOT NULL REFERENCES event ON DELETE CASCADE,
  "sentAt" bigint NOT NULL,
  "hiEventsEventId" text NOT NULL,
  status text NOT NULL,
  PRIMARY KEY ("eventId", "sentAt", "hiEventsEventId", status)
);
CREATE TABLE "eventMessage" (id serial PRIMARY KEY, data text NOT NULL, "createdAt" timestamptz NOT NULL DEFAULT now());
CREATE TABLE "crossAppSession" (
  id serial PRIMARY KEY,
  "sessionToken" char(64) NOT NULL UNIQUE,
  "userId" integer NOT NULL REFERENCES "user" ON DELETE CASCADE,
  "accountId" integer NOT NULL REFERENCES account ON DELETE CASCADE,
  "appId" text NOT NULL DEFAULT 'hi.events',
  "expiresAt" timestamptz NOT NULL,
  "createdAt" timestamptz NOT NULL DEFAULT now(),
  "lastUsed" timestamptz,
  "sysCreated" timestamptz NOT NULL DEFAULT now(),
  "sysModified" timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON "crossAppSession" ("expiresAt");
CREATE INDEX ON "crossAppSession" ("userId");
CREATE TABLE "crossAppAudit" (
  id bigserial PRIMARY KEY,
  time timestamptz NOT NULL DEFAULT now(),
  operation text NOT NULL,
  status integer NOT NULL,
  "userId" text
);
`;

/** The connections to PostgreSQL. Tables are made anew at the start, and seeded. */
@Injectable()
export class Database implements OnModuleInit {
  readonly pool = new Pool({ connectionString: settings.databaseUrl });

  async onModuleInit(): Promise<void> {
    await this.pool.query(TABLES);
    const { accounts, users, events } = settings.seed;
    for (const each of accounts) {
      await this.query('INSERT INTO account VALUES ($1, $2, $3)', [each.id, each.name, each.slug]);
    }
    for (const each of users) {
      await this.query('INSERT INTO "user" VALUES ($1, $2, $3)', [each.id, each.email, each.name]);
      for (const [account, permissions] of Object.entries(each.memberships ?? {})) {
        await this.query('INSERT INTO membership VALUES ($1, $2, $3)', [each.id, Number(account), permissions]);
      }
    }
    for (const each of events) {
      await this.query(
        'INSERT INTO event (id, "accountId", title, description, "startDate", "endDate") VALUES ($1, $2, $3, $4, $5, $6)',
        [each.id, each.account_id, each.title, each.description, each.start_date, each.end_date],
      );
    }
  }

  async query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows;
  }

  async inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const done = await work(client);
      await client.query('COMMIT');
      return done;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }
}
