import { Body, Controller, Get, HttpCode, Post, Query, Req } from '@nestjs/common';
import { IsInt, IsNotEmpty, IsOptional, IsString, Min } from 'class-validator';
import { SessionsService } from '../core/sessions.service';
import { ByJwt, BySharedSecret, CallerRequest, ProtectedAndLimited } from './protected.decorator';

class GenerateSessionDto {
  @IsInt()
  @Min(1)
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
  resource_id?: number | null;
}

@Controller('api/cross-app')
export class CrossAppController {
  constructor(private readonly sessions: SessionsService) {}

  @Post('generate-session')
  @HttpCode(200)
  @ProtectedAndLimited(ByJwt, 10)
  generate(@Body() { account_id }: GenerateSessionDto, @Req() { user }: CallerRequest) {
    return this.sessions.generate(user!.id, account_id);
  }

  @Post('validate-session')
  @HttpCode(200)
  @ProtectedAndLimited(BySharedSecret, 100)
  validate(@Body() { session_token }: SessionDto) {
    return this.sessions.validate(session_token);
  }

  @Get('user-accounts')
  @ProtectedAndLimited(BySharedSecret, 50, ({ query }) => query.session_token)
  accounts(@Query() { session_token }: SessionDto) {
    return this.sessions.accounts(session_token);
  }

  @Post('validate-permission')
  @HttpCode(200)
  @ProtectedAndLimited(BySharedSecret, 100, ({ body }) => body?.session_token)
  permission(@Body() { session_token, permission, resource_id }: PermissionDto) {
    return this.sessions.hasPermission(session_token, permission, resource_id);
  }
}
