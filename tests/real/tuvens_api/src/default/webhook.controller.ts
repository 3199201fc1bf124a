import { Body, Controller, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { Throttle } from '@nestjs/throttler';
import { Type } from 'class-transformer';
import { Equals, IsDateString, IsInt, IsString, ValidateNested } from 'class-validator';
import { perMinute } from '../core/settings';
import { WebhookService } from '../core/webhook.service';
import { AuditInterceptor } from './audit.interceptor';
import { SignatureGuard } from './guards';

class PayloadDto {
  @IsInt()
  id: number;

  @IsString()
  title: string;

  @IsString()
  status: string;

  @IsString()
  tuvens_event_id: string;
}

class StatusChangedDto {
  @Equals('event.status_changed')
  event_type: string;

  @IsDateString()
  event_sent_at: string;

  @ValidateNested()
  @Type(() => PayloadDto)
  payload: PayloadDto;
}

@Controller('api/webhooks/hi-events')
@UseInterceptors(AuditInterceptor)
export class WebhookController {
  constructor(private readonly webhooks: WebhookService) {}

  @Post('event-status-changed')
  @UseGuards(SignatureGuard)
  @Throttle({ default: { limit: perMinute(1000), ttl: 60_000 } })
  receive(@Body() dto: StatusChangedDto) {
    return this.webhooks.apply(dto);
  }
}
