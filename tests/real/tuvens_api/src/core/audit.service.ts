import { Injectable, Logger } from '@nestjs/common';
import { Request } from 'express';
import { Database } from './database';

/** One record for every cross-app call and webhook, without anything that the caller sent. */
@Injectable()
export class AuditService {
  private readonly logger = new Logger(AuditService.name);

  constructor(private readonly database: Database) {}

  async record(request: Request, status: number): Promise<void> {
    const path = request.originalUrl.split('?')[0];
    if (!path.startsWith('/api/cross-app/') && !path.startsWith('/api/webhooks/')) return;
    const user = (request as { user?: { id?: number } }).user?.id;
    try {
      await this.database.query('INSERT INTO "crossAppAudit" (operation, status, "userId") VALUES ($1, $2, $3)', [
        `${request.method} ${path.split('/').at(-1)}`.slice(0, 100), status, user ?? null,
      ]);
    } catch (error) {
      this.logger.error(error);
    }
  }
}
