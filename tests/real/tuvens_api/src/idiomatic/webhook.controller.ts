import { BadRequestException, Controller, ExecutionContext, HttpCode, Post, createParamDecorator } from '@nestjs/common';
import { Type } from 'class-transformer';
import { Equals, IsISO8601, IsInt, IsObject, IsString, Matches, ValidateNested } from 'class-validator';
import { WebhookService } from '../core/webhook.service';
import { BySignature, ProtectedAndLimited } from './protected.decorator';

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

  @IsISO8601({ strict: true })
  @Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/)
  event_sent_at: string;

  @IsObject() // ValidateNested lets arrays pass
  @ValidateNested()
  @Type(() => PayloadDto)
  payload: PayloadDto;
}

/** The JSON of a body that was left as bytes. */
const SignedJson = createParamDecorator((_: unknown, context: ExecutionContext): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(context.switchToHttp().getRequest().body));
  } catch {
    throw new BadRequestException('The body is not JSON');
  }
});

@Controller('api/webhooks/hi-events')
export class WebhookController {
  constructor(private readonly webhooks: WebhookService) {}

  @Post('event-status-changed')
  @HttpCode(200)
  @ProtectedAndLimited(BySignature, 1000)
  receive(@SignedJson() update: StatusChangedDto) {
    return this.webhooks.apply(update);
  }
}
