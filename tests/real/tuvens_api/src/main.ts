import 'reflect-metadata';
import { settings } from './core/settings';

async function main(): Promise<void> {
  const { create } = settings.flavour === 'default' ? await import('./default/app') : await import('./idiomatic/app');
  const app = await create();
  await app.listen(settings.port, '127.0.0.1');
}

void main();
