import { CanActivate, ExecutionContext, Injectable, RawBodyRequest, UnauthorizedException } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { Request } from 'express';
import { isSharedSecret, isSignatureOf } from '../core/credentials';

@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {}

@Injectable()
export class SharedSecretGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    if (!isSharedSecret(request.headers['x-shared-secret'])) throw new UnauthorizedException();
    return true;
  }
}

@Injectable()
export class SignatureGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<RawBodyRequest<Request>>();
    const body = request.rawBody ?? Buffer.alloc(0);
    if (!isSignatureOf(body, request.headers['x-hi-events-signature'])) throw new UnauthorizedException();
    return true;
  }
}
