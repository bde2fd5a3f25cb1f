import { defineConfig } from '@playwright/test';
import { find } from './e2e/support/program';

/** How long anything may take that is waited for. Tests that share the machine with many others need more of it. */
const PATIENCE_MS = Number(process.env.QC_PATIENCE_MS ?? 45_000);

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const executablePath = process.env.CHROMIUM || find(CHROMIUM);
if (!executablePath)
  throw new Error('there is no Chromium: tests/run says what to install, CHROMIUM names one');

export default defineConfig({
  testDir: 'e2e',
  // Everybody meets at one server, and the machine may be busy with other things: time is given, and nothing is tried twice.
  workers: 1,
  retries: 0,
  timeout: 8 * PATIENCE_MS,
  expect: { timeout: PATIENCE_MS, toPass: { timeout: PATIENCE_MS } },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    locale: 'en-IN',
    timezoneId: 'Asia/Kolkata',
    actionTimeout: PATIENCE_MS,
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
