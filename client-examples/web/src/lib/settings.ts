import { inTime } from '../api/inTime';

/** What the pages have to know of the place that serves them: nginx.conf answers with it, and `public/settings.json` without nginx. */
export interface Settings {
  /** With it payments are made by Stripe's own form; empty for none. */
  stripePublishableKey: string;
}

const get = inTime();

let asked: Promise<Settings> | undefined;

/** Asked for once, when it is wanted; again if it could not be had. */
export function settings(): Promise<Settings> {
  asked ??= ask().catch((error: unknown) => {
    asked = undefined;
    throw error;
  });
  return asked;
}

async function ask(): Promise<Settings> {
  const reply = await get('/settings.json');
  if (!reply.ok) throw new Error(`the settings were answered with ${reply.status}`);
  const { stripePublishableKey = '' }: Partial<Settings> = await reply.json();
  return { stripePublishableKey };
}
