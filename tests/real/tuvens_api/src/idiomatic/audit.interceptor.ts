import { CallHandler, ExecutionContext, Injectable, NestInterceptor } from '@nestjs/common';
import { Response } from 'express';
import { Observable, concatMap } from 'rxjs';
import { AuditService } from '../core/audit.service';

/** Records successes. What a guard refuses never comes here: ErrorFilter records failures. */
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
    );
  }
}
