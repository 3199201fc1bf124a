import { Injectable, NotFoundException } from '@nestjs/common';
import { Database } from './database';
import { UpdatesService } from './updates.service';

const TICKETING: Record<string, string> = { LIVE: 'active', DRAFT: 'setup', CANCELLED: 'inactive', ENDED: 'inactive' };

export interface StatusChanged {
  event_sent_at: string;
  payload: { id: number; title: string; status: string; tuvens_event_id: string };
}

/** Applies each change once, unless a newer one was applied before. */
@Injectable()
export class WebhookService {
  constructor(
    private readonly database: Database,
    private readonly updates: UpdatesService,
  ) {}

  async apply({ event_sent_at, payload }: StatusChanged) {
    const sentAt = microseconds(event_sent_at);
    const eventId = payload.tuvens_event_id;
    const status = Object.hasOwn(TICKETING, payload.status) ? TICKETING[payload.status] : 'setup';
    const now = new Date().toISOString();
    const told = await this.database.inTransaction(async (client) => {
      const found = eventId.includes('\0')
        ? []
        : (await client.query('SELECT * FROM event WHERE id = $1 FOR UPDATE', [eventId])).rows;
      if (found.length === 0) throw new NotFoundException('There is no such event');
      const last = found[0].lastSentAt === null ? -Infinity : Number(found[0].lastSentAt);
      if (sentAt < last) return 'A newer delivery was applied before; nothing changes';
      const applied = await client.query(
        'INSERT INTO "webhookDelivery" VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1',
        [eventId, sentAt, String(payload.id), JSON.stringify(payload.status)],
      );
      if (applied.rowCount === 0) return 'The delivery was applied before; nothing changes';
      const contact = { hiEventsEventId: payload.id, hiEventsStatus: payload.status, hiEventsLastUpdated: now };
      await client.query(
        `UPDATE event SET "ticketingStatus" = $2, "contactData" = $3, "lastSentAt" = $4,
         "hiEventsEventId" = coalesce("hiEventsEventId", $5) WHERE id = $1`,
        [eventId, status, JSON.stringify(contact), sentAt, JSON.stringify(payload.id)],
      );
      const message = { type: 'ticketing_status_changed', eventId, status, timestamp: now };
      return this.updates.append(client, JSON.stringify(message));
    });
    if (typeof told === 'string') return { success: true, message: told };
    this.updates.publish(told);
    return { success: true, message: 'Event status updated' };
  }
}

function microseconds(time: string): number {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  const seconds = Date.parse(time.replace(/\.\d+/, ''));
  return seconds * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}
