import { ForbiddenException, Injectable, NotFoundException, OnModuleInit } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { Database } from './database';
import { settings } from './settings';

const LARGEST_ID = 2 ** 31 - 1;
const CLEANING_MS = 60_000;

interface Session {
  id: number;
  userId: number;
  accountId: number;
  email: string;
  name: string | null;
}

/** Sessions and what their users may do. Only the SHA-256 of a token is stored. */
@Injectable()
export class SessionsService implements OnModuleInit {
  constructor(private readonly database: Database) {}

  onModuleInit(): void {
    setInterval(() => void this.removeExpired(), CLEANING_MS).unref();
  }

  async generate(userId: number, accountId: number) {
    if ((await this.permissions(userId, accountId)) === null) {
      throw new ForbiddenException('You are not a member of this account');
    }
    const token = randomBytes(32).toString('base64url');
    const expires = new Date(Date.now() + settings.sessionSeconds * 1000);
    await this.database.query(
      'INSERT INTO "crossAppSession" ("sessionToken", "userId", "accountId", "expiresAt") VALUES ($1, $2, $3, $4)',
      [digest(token), userId, accountId, expires],
    );
    return { session_token: token, expires_at: expires.toISOString(), account_id: accountId };
  }

  async validate(token: string) {
    const session = await this.find(token);
    await this.database.query(
      'UPDATE "crossAppSession" SET "lastUsed" = clock_timestamp(), "sysModified" = now() WHERE id = $1',
      [session.id],
    );
    return {
      user_id: String(session.userId),
      email: session.email,
      name: session.name || session.email,
      account_id: session.accountId,
    };
  }

  async accounts(token: string) {
    const session = await this.find(token);
    const accounts = await this.database.query(
      `SELECT account.id, account.name, account.slug FROM account JOIN membership ON "accountId" = account.id
       WHERE "userId" = $1 ORDER BY account.id`,
      [session.userId],
    );
    return { accounts };
  }

  async hasPermission(token: string, permission: string, resource?: number | null) {
    const session = await this.find(token);
    let account: number | undefined = session.accountId;
    if (resource !== undefined && resource !== null) {
      const [event] = await this.database.query<{ accountId: number }>('SELECT "accountId" FROM event WHERE id = $1', [
        String(resource),
      ]);
      account = event?.accountId;
    }
    const held = account === undefined ? null : await this.permissions(session.userId, account);
    return { has_permission: held?.includes(permission) ?? false };
  }

  /** What a user may do in an account; null where the user is no member. */
  async permissions(userId: number, accountId: number): Promise<string[] | null> {
    if (accountId > LARGEST_ID) return null; // the database has no such number
    const [row] = await this.database.query<{ permissions: string[] }>(
      'SELECT permissions FROM membership WHERE "userId" = $1 AND "accountId" = $2',
      [userId, accountId],
    );
    return row?.permissions ?? null;
  }

  private async find(token: string): Promise<Session> {
    const [session] = await this.database.query<Session>(
      `SELECT s.id, s."userId", s."accountId", u.email, u.name
       FROM "crossAppSession" s JOIN "user" u ON u.id = s."userId"
       WHERE s."sessionToken" = $1 AND s."expiresAt" > $2`,
      [digest(token), new Date()],
    );
    if (session === undefined) throw new NotFoundException('The session is unknown or has expired');
    return session;
  }

  private async removeExpired(): Promise<void> {
    await this.database.query('DELETE FROM "crossAppSession" WHERE "expiresAt" <= $1', [new Date()]);
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
