import { afterEach, beforeEach, expect, it, vi } from 'vitest';

/** What a place answers, one reply after the other. */
const replies = vi.fn<() => Promise<Response>>();

beforeEach(() => void vi.stubGlobal('fetch', replies));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
  replies.mockReset();
});

/** As a page has it that was just loaded. */
async function fresh() {
  return (await import('./settings')).settings;
}

it('the settings are asked for once', async () => {
  replies.mockResolvedValue(Response.json({ stripePublishableKey: 'pk_test_1' }));
  const settings = await fresh();
  expect(await Promise.all([settings(), settings()])).toEqual([
    { stripePublishableKey: 'pk_test_1' },
    { stripePublishableKey: 'pk_test_1' },
  ]);
  expect(await settings()).toEqual({ stripePublishableKey: 'pk_test_1' });
  expect(replies.mock.calls).toEqual([['/settings.json', { signal: expect.any(AbortSignal) }]]);
});

it('what a place does not say is as without it', async () => {
  replies.mockResolvedValue(Response.json({}));
  expect(await (await fresh())()).toEqual({ stripePublishableKey: '' });
});

it.each([
  ['an error', () => Promise.resolve(new Response('busy', { status: 503 })), 'answered with 503'],
  ['no answer', () => Promise.reject(new TypeError('no network')), 'no network'],
  ['silence', () => Promise.reject(new DOMException('too long', 'TimeoutError')), 'too long'],
])('after %s they are asked for again', async (_, fail, why) => {
  replies
    .mockImplementationOnce(fail)
    .mockResolvedValueOnce(Response.json({ stripePublishableKey: 'pk_test_2' }));
  const settings = await fresh();
  await expect(settings()).rejects.toThrow(why);
  expect(await settings()).toEqual({ stripePublishableKey: 'pk_test_2' });
});
