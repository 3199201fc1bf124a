import { Module } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { AuditService } from './audit.service';
import { Database } from './database';
import { EventsService } from './events.service';
import { JwtStrategy } from './jwt.strategy';
import { SessionsService } from './sessions.service';
import { UpdatesService } from './updates.service';
import { WebhookService } from './webhook.service';

const services = [AuditService, Database, EventsService, SessionsService, UpdatesService, WebhookService];

/** What both flavours share: the business, without HTTP. */
@Module({ imports: [PassportModule], providers: [JwtStrategy, ...services], exports: services })
export class CoreModule {}
