import { ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { Database } from './database';
import { SessionsService } from './sessions.service';
import { settings } from './settings';

interface Row {
  id: string;
  accountId: number;
  title: string;
  description: string | null;
  startDate: string;
  endDate: string | null;
  ticketingStatus: string | null;
  hiEventsEventId: string | null;
  contactData: string | null;
}

export interface Changes {
  hasTicketing?: boolean;
  hiEventsEventId?: string | number | null;
}

@Injectable()
export class EventsService {
  constructor(
    private readonly database: Database,
    private readonly sessions: SessionsService,
  ) {}

  async read(id: string) {
    return present(await this.find(id));
  }

  async change(id: string, userId: number, changes: Changes) {
    const event = await this.find(id);
    const held = await this.sessions.permissions(userId, event.accountId);
    if (!held?.includes('manage_ticketing')) throw new ForbiddenException('manage_ticketing is needed');
    let { ticketingStatus, hiEventsEventId } = event;
    if (changes.hasTicketing !== undefined) ticketingStatus = changes.hasTicketing ? (ticketingStatus ?? 'setup') : null;
    // As JSON: it is text or a number, and PostgreSQL has no text with a NUL in it.
    if (changes.hiEventsEventId !== undefined) hiEventsEventId = JSON.stringify(changes.hiEventsEventId);
    await this.database.query('UPDATE event SET "ticketingStatus" = $2, "hiEventsEventId" = $3 WHERE id = $1', [
      id, ticketingStatus, hiEventsEventId,
    ]);
    return this.read(id);
  }

  private async find(id: string): Promise<Row> {
    const [event] = id.includes('\0') ? [] : await this.database.query<Row>('SELECT * FROM event WHERE id = $1', [id]);
    if (event === undefined) throw new NotFoundException('There is no such event');
    return event;
  }
}

/** The event as tuvens-client reads it. */
function present(event: Row) {
  const hiEventsEventId = event.hiEventsEventId === null ? null : JSON.parse(event.hiEventsEventId);
  const enabled = event.ticketingStatus !== null;
  return {
    id: event.id,
    title: event.title,
    description: event.description,
    startDate: event.startDate,
    endDate: event.endDate,
    ticketing_enabled: enabled,
    ticketing_status: event.ticketingStatus,
    account_id: event.accountId,
    hi_events_event_id: hiEventsEventId,
    hi_events_event_url: hiEventsEventId === null ? null : pageUrl(String(hiEventsEventId), event.title),
    contactData: event.contactData === null ? null : JSON.parse(event.contactData),
    ticketStatus: event.ticketingStatus,
    hasTicketing: enabled,
    hiEventsEventId,
  };
}

function pageUrl(id: string, title: string): string {
  const slug = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'event';
  // Through a Buffer: encodeURIComponent throws for half of a surrogate pair.
  return `${settings.hiEventsUrl}/event/${encodeURIComponent(Buffer.from(id).toString())}/${slug}`;
}
