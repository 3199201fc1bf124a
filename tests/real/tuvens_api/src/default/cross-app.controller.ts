import { Body, Controller, Get, Post, Query, Req, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { Throttle } from '@nestjs/throttler';
import { IsInt, IsNotEmpty, IsOptional, IsPositive, IsString } from 'class-validator';
import { User } from '../core/jwt.strategy';
import { SessionsService } from '../core/sessions.service';
import { perMinute } from '../core/settings';
import { AuditInterceptor } from './audit.interceptor';
import { JwtAuthGuard, SharedSecretGuard } from './guards';
import { HttpExceptionFilter } from './http-exception.filter';

class GenerateSessionDto {
  @IsInt()
  @IsPositive()
  account_id: number;
}

class SessionDto {
  @IsString()
  @IsNotEmpty()
  session_token: string;
}

class PermissionDto extends SessionDto {
  @IsString()
  permission: string;

  @IsOptional()
  @IsInt()
  resource_id?: number;
}

@Controller('api/cross-app')
@UseFilters(HttpExceptionFilter)
@UseInterceptors(AuditInterceptor)
export class CrossAppController {
  constructor(private readonly sessions: SessionsService) {}

  @Post('generate-session')
  @UseGuards(JwtAuthGuard)
  @Throttle({ default: { limit: perMinute(10), ttl: 60_000 } })
  generate(@Body() dto: GenerateSessionDto, @Req() request: { user: User }) {
    return this.sessions.generate(request.user.id, dto.account_id);
  }

  @Post('validate-session')
  @UseGuards(SharedSecretGuard)
  @Throttle({ default: { limit: perMinute(100), ttl: 60_000 } })
  validate(@Body() dto: SessionDto) {
    return this.sessions.validate(dto.session_token);
  }

  @Get('user-accounts')
  @UseGuards(SharedSecretGuard)
  @Throttle({ default: { limit: perMinute(50), ttl: 60_000 } })
  accounts(@Query() dto: SessionDto) {
    return this.sessions.accounts(dto.session_token);
  }

  @Post('validate-permission')
  @UseGuards(SharedSecretGuard)
  @Throttle({ default: { limit: perMinute(100), ttl: 60_000 } })
  permission(@Body() dto: PermissionDto) {
    return this.sessions.hasPermission(dto.session_token, dto.permission, dto.resource_id);
  }
}
