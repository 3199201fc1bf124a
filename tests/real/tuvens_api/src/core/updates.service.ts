import { Injectable } from '@nestjs/common';
import { PoolClient } from 'pg';
import { Subject } from 'rxjs';
import { Database } from './database';

export interface Update {
  id: number;
  data: string;
}

/** The messages of the stream: kept, and published to those who listen. */
@Injectable()
export class UpdatesService {
  readonly published = new Subject<Update>();

  constructor(private readonly database: Database) {}

  async append(client: PoolClient, data: string): Promise<Update> {
    // One at a time, so that numbers grow in the order of commits.
    await client.query('SELECT pg_advisory_xact_lock(1)');
    const { rows } = await client.query<Update>('INSERT INTO "eventMessage" (data) VALUES ($1) RETURNING id, data', [data]);
    return rows[0];
  }

  publish(update: Update): void {
    this.published.next(update);
  }

  async after(id: number): Promise<Update[]> {
    return this.database.query<Update>('SELECT id, data FROM "eventMessage" WHERE id > $1 ORDER BY id', [id]);
  }
}
