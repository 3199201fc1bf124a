import { Body, Controller, Get, MessageEvent, Param, Patch, Req, Sse, UseGuards } from '@nestjs/common';
import { SkipThrottle } from '@nestjs/throttler';
import { IsBoolean, IsOptional } from 'class-validator';
import { Observable, map } from 'rxjs';
import { EventsService } from '../core/events.service';
import { User } from '../core/jwt.strategy';
import { UpdatesService } from '../core/updates.service';
import { JwtAuthGuard } from './guards';

class ChangesDto {
  @IsOptional()
  @IsBoolean()
  hasTicketing?: boolean;

  @IsOptional()
  hiEventsEventId?: string | number;
}

@Controller('api/events')
@SkipThrottle()
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly updates: UpdatesService,
  ) {}

  @Sse('updates')
  stream(): Observable<MessageEvent> {
    return this.updates.published.pipe(map(({ data }) => ({ data })));
  }

  @Get(':id')
  read(@Param('id') id: string) {
    return this.events.read(id);
  }

  @Patch(':id')
  @UseGuards(JwtAuthGuard)
  change(@Param('id') id: string, @Body() dto: ChangesDto, @Req() request: { user: User }) {
    return this.events.change(id, request.user.id, dto);
  }
}
