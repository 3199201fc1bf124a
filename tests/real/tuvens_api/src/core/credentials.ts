import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { settings } from './settings';

/** Compares in constant time. Digests have one length, so that the time does not tell the secret's. */
function equal(given: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(right));
}

export function isSharedSecret(given: unknown): boolean {
  return typeof given === 'string' && equal(given, settings.sharedSecret);
}

/** Whether a signature is right for exactly these bytes. */
export function isSignatureOf(body: Buffer, given: unknown): boolean {
  const digest = createHmac('sha256', settings.sharedSecret).update(body).digest('hex');
  return typeof given === 'string' && equal(given, `sha256=${digest}`);
}
