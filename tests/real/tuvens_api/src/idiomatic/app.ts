import { Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE, NestFactory } from '@nestjs/core';
import { NestExpressApplication } from '@nestjs/platform-express';
import { ThrottlerModule } from '@nestjs/throttler';
import { json, raw } from 'express';
import helmet from 'helmet';
import { CoreModule } from '../core/core.module';
import { settings } from '../core/settings';
import { AuditInterceptor } from './audit.interceptor';
import { CrossAppController } from './cross-app.controller';
import { ErrorFilter } from './error.filter';
import { EventsController } from './events.controller';
import { FormPipe } from './form.pipe';
import { WebhookController } from './webhook.controller';

@Module({
  imports: [CoreModule, ThrottlerModule.forRoot([{ ttl: 60_000, limit: 100 }])],
  controllers: [CrossAppController, WebhookController, EventsController],
  providers: [
    { provide: APP_FILTER, useClass: ErrorFilter },
    { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
    { provide: APP_PIPE, useClass: FormPipe },
  ],
})
class AppModule {}

export async function create() {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { bodyParser: false, logger: ['error', 'warn'] });
  app.use(helmet());
  app.enableCors({
    origin: settings.origins,
    credentials: true,
    methods: ['GET', 'POST', 'PATCH'],
    allowedHeaders: ['Authorization', 'Content-Type', 'X-Session-Token', 'X-Shared-Secret'],
    exposedHeaders: ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Retry-After'],
  });
  // Of a webhook the bytes are kept: its signature is verified before anything reads them.
  app.use('/api/webhooks', raw({ type: () => true, limit: '1mb' }));
  app.use(json({ limit: '1mb' }));
  return app;
}
