import { ArgumentsHost, Catch, ExceptionFilter, HttpException } from '@nestjs/common';
import { Request, Response } from 'express';

/** The filter of Nest's documentation, with a message. One controller has it, where somebody thought of it. */
@Catch(HttpException)
export class HttpExceptionFilter implements ExceptionFilter {
  catch(exception: HttpException, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const body = exception.getResponse() as { message?: unknown };
    http.getResponse<Response>().status(exception.getStatus()).json({
      statusCode: exception.getStatus(),
      timestamp: new Date().toISOString(),
      path: http.getRequest<Request>().url,
      message: body.message ?? exception.message,
    });
  }
}
