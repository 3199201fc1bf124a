import {
  CanActivate, ExecutionContext, Injectable, Type, UnauthorizedException, UseGuards, applyDecorators,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { Throttle, ThrottlerGuard, ThrottlerRequest } from '@nestjs/throttler';
import { Request, Response } from 'express';
import { isSharedSecret, isSignatureOf } from '../core/credentials';
import { User } from '../core/jwt.strategy';
import { perMinute } from '../core/settings';

/** A request, with who sent it once that is known: the key of rate limits. */
export interface CallerRequest extends Request {
  caller?: string;
  user?: User;
}

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<CallerRequest>();

// Three guards in this order: who is it (refuses nobody), how often, and may it at all. So every answer of a route has the
// headers of its rate limit, a 401 too, and limits are counted by user or secret, not by address.

@Injectable()
export class ByJwt extends AuthGuard('jwt') {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context);
    const { user } = requestOf(context);
    requestOf(context).caller = user ? `user ${user.id}` : undefined;
    return true;
  }

  handleRequest<TUser>(error: unknown, user: TUser): TUser {
    if (error) throw error;
    return user;
  }
}

@Injectable()
export class BySharedSecret implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    if (isSharedSecret(request.headers['x-shared-secret'])) request.caller = 'shared secret';
    return true;
  }
}

@Injectable()
export class BySignature implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (isSignatureOf(body, request.headers['x-hi-events-signature'])) request.caller = `instance at ${request.ip}`;
    return true;
  }
}

/** @nestjs/throttler, with the documented headers on every answer, the 429 too. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected async handleRequest({ context, limit, ttl, throttler, blockDuration, getTracker, generateKey }: ThrottlerRequest) {
    const { req, res } = this.getRequestResponse(context);
    const tracker = await getTracker(req, context);
    if (tracker === '') {
      announce(res as Response, limit, limit, ttl / 1000);
      return true;
    }
    const name = throttler.name ?? 'default';
    const key = generateKey(context, tracker, name);
    const hits = await this.storageService.increment(key, ttl, limit, blockDuration, name);
    announce(res as Response, limit, Math.max(0, limit - hits.totalHits), hits.isBlocked ? hits.timeToBlockExpire : hits.timeToExpire);
    if (hits.isBlocked) {
      res.header('Retry-After', String(hits.timeToBlockExpire));
      await this.throwThrottlingException(context, { limit, ttl, key, tracker, ...hits });
    }
    return true;
  }
}

function announce(response: Response, limit: number, remaining: number, secondsLeft: number): void {
  response.header('X-RateLimit-Limit', String(limit));
  response.header('X-RateLimit-Remaining', String(remaining));
  response.header('X-RateLimit-Reset', String(Math.ceil(Date.now() / 1000) + secondsLeft));
}

@Injectable()
export class AuthenticatedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (requestOf(context).caller === undefined) throw new UnauthorizedException('The credentials are missing or wrong');
    return true;
  }
}

/** A route for callers with these credentials. */
export function Protected(identify: Type<CanActivate>) {
  return UseGuards(identify, AuthenticatedGuard);
}

/** The same, `limit` times a minute. What `key` gives is counted; without it, or without a caller, nothing is. */
export function ProtectedAndLimited(
  identify: Type<CanActivate>,
  limit: number,
  key: (request: CallerRequest) => unknown = (request) => request.caller,
) {
  const getTracker = (request: Record<string, unknown>) => {
    const caller = request as unknown as CallerRequest;
    const found = caller.caller === undefined ? undefined : key(caller);
    return Promise.resolve(typeof found === 'string' ? found : '');
  };
  return applyDecorators(
    UseGuards(identify, RateLimitGuard, AuthenticatedGuard),
    Throttle({ default: { limit: perMinute(limit), ttl: 60_000, getTracker } }),
  );
}
