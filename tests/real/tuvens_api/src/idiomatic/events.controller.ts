import { Body, Controller, Get, Headers, Param, Patch, Req, Res } from '@nestjs/common';
import { IsBoolean, ValidateBy, ValidateIf } from 'class-validator';
import { Request, Response } from 'express';
import { EventsService } from '../core/events.service';
import { Update, UpdatesService } from '../core/updates.service';
import { ByJwt, CallerRequest, Protected } from './protected.decorator';

const HEARTBEAT_MS = 15_000;

const isTextOrNumber = {
  name: 'isTextOrNumber',
  validator: {
    validate: (value: unknown) => value === null || typeof value === 'string' || typeof value === 'number',
    defaultMessage: () => 'hiEventsEventId must be a text, a number or null',
  },
};

class ChangesDto {
  @ValidateIf((_, value) => value !== undefined) // IsOptional would let null pass
  @IsBoolean()
  hasTicketing?: boolean;

  @ValidateIf((_, value) => value !== undefined)
  @ValidateBy(isTextOrNumber)
  hiEventsEventId?: string | number | null;
}

@Controller('api/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly updates: UpdatesService,
  ) {}

  // Not @Sse(), which can send no comment as a heartbeat.
  @Get('updates')
  async stream(@Req() request: Request, @Res() response: Response, @Headers('last-event-id') lastSeen?: string) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.write(': open\n\n');
    const send = ({ id, data }: Update) => response.write(`id: ${id}\ndata: ${data}\n\n`);
    // Listens before it reads what was missed, so that nothing falls between.
    let waiting: Update[] | null = [];
    const subscription = this.updates.published.subscribe((update) => (waiting ? waiting.push(update) : send(update)));
    const heartbeat = setInterval(() => response.write(': heartbeat\n\n'), HEARTBEAT_MS);
    response.on('close', () => {
      subscription.unsubscribe();
      clearInterval(heartbeat);
    });
    const missed = /^\d{1,9}$/.test(lastSeen ?? '') ? await this.updates.after(Number(lastSeen)) : [];
    const last = missed.at(-1)?.id ?? 0;
    [...missed, ...waiting.filter(({ id }) => id > last)].forEach(send);
    waiting = null;
  }

  @Get(':id')
  read(@Param('id') id: string) {
    return this.events.read(id);
  }

  @Patch(':id')
  @Protected(ByJwt)
  change(@Param('id') id: string, @Body() changes: ChangesDto, @Req() { user }: CallerRequest) {
    return this.events.change(id, user!.id, changes);
  }
}
