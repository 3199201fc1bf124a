import { CallHandler, ExecutionContext, HttpException, Injectable, NestInterceptor } from '@nestjs/common';
import { Response } from 'express';
import { Observable, catchError, concatMap } from 'rxjs';
import { AuditService } from '../core/audit.service';

@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly audit: AuditService) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    return next.handle().pipe(
      concatMap(async (answer) => {
        await this.audit.record(http.getRequest(), http.getResponse<Response>().statusCode);
        return answer;
      }),
      catchError(async (error) => {
        await this.audit.record(http.getRequest(), error instanceof HttpException ? error.getStatus() : 500);
        throw error;
      }),
    );
  }
}
