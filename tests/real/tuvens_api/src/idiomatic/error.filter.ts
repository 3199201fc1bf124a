import { ArgumentsHost, Catch, ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { Request, Response } from 'express';
import { AuditService } from '../core/audit.service';

/** Every error in the one documented shape, those of the body parser and of unknown routes too. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ErrorFilter.name);

  constructor(private readonly audit: AuditService) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const [statusCode, message] = describe(error);
    if (statusCode >= 500) this.logger.error(error);
    await this.audit.record(request, statusCode);
    if (response.headersSent) {
      response.end();
      return;
    }
    // Without the query, in which user-accounts has a session token.
    const path = request.originalUrl.split('?')[0];
    response.status(statusCode).json({ statusCode, timestamp: new Date().toISOString(), path, message });
  }
}

/** Status and message of an error. Neither repeats what the caller sent. */
function describe(error: unknown): [number, string | string[]] {
  if (error instanceof HttpException) {
    const body = error.getResponse();
    const message = typeof body === 'string' ? body : (body as { message?: string | string[] }).message;
    // Nest's own messages repeat the URL with its query, or a piece of the body.
    if (typeof message !== 'string' || !/^Cannot [A-Z]+ \/| JSON/.test(message)) {
      return [error.getStatus(), message ?? error.message];
    }
    return [error.getStatus(), error.getStatus() === 404 ? 'There is no such route' : 'The body is not JSON'];
  }
  // The body parser's errors: 413, 415 and the like.
  const status = (error as { status?: unknown }).status;
  return typeof status === 'number' && status >= 400 && status < 500
    ? [status, 'The body cannot be read']
    : [500, 'Internal server error'];
}
