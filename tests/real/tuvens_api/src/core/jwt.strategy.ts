import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { Database } from './database';
import { settings } from './settings';

export interface User {
  id: number;
}

/** Users' JWTs: HS256, not expired, of a user whom the database knows. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor(private readonly database: Database) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: settings.jwtSecret,
      algorithms: ['HS256'],
    });
  }

  async validate(claims: { sub?: unknown }): Promise<User | null> {
    if (typeof claims.sub !== 'string' || !/^[1-9][0-9]{0,8}$/.test(claims.sub)) return null;
    const [user] = await this.database.query<User>('SELECT id FROM "user" WHERE id = $1', [Number(claims.sub)]);
    return user ?? null;
  }
}
