import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { connection, test } from './support/shop';

/** Where the link of that page leads to, in the newest mail to `receiver` that has one; undefined while there is none. */
async function findLink(folder: string, receiver: string, page: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => []);
  const mails = names.filter((name) => name.endsWith('.eml'));
  for (const name of mails.toSorted().reverse()) {
    const mail = (await readFile(join(folder, name), 'utf8')).replace(/=\r?\n/g, '').replaceAll('=3D', '=');
    if (!mail.split(/\r?\n/).includes(`To: ${receiver}`)) continue;
    const token = new RegExp(`/${page}#token=([\\w-]+)`).exec(mail)?.[1];
    if (token) return `/${page}#token=${token}`;
  }
  return undefined;
}

/** The same, once there is such a mail. */
async function linkTo(folder: string, receiver: string, page: string): Promise<string> {
  let link: string | undefined;
  await expect.poll(async () => (link = await findLink(folder, receiver, page))).toBeTruthy();
  return link ?? '';
}

test('somebody signs up, proves their address by mail, and chooses another password when they forgot it', async ({
  browser,
  shop,
}) => {
  const { server, site } = shop;
  const context = await browser.newContext({ baseURL: site.url });
  const page = await context.newPage();
  await page.goto('/');
  await page.getByRole('button', { name: 'I am new here' }).click();
  await page.getByLabel('Name').fill('Nila New');
  await page.getByLabel('E-mail address').fill('nila@demo.test');
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByLabel('Password').fill('a password of some length');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(connection(page)).toHaveText('Live');

  await page.goto(await linkTo(server.mailFolder, 'nila@demo.test', 'verify-email'));
  await page.getByRole('button', { name: 'Confirm that it is mine' }).click();
  await expect(page.getByText('the address is yours')).toBeVisible();
  await page.getByRole('link', { name: 'To the shop' }).click();
  await expect(connection(page)).toHaveText('Live');

  await page.getByRole('button', { name: /^Sign out/ }).click();
  await page.getByText('I forgot my password').click();
  await page.getByLabel('Mail the link to').fill('nila@demo.test');
  await page.getByRole('button', { name: 'Mail me a link' }).click();
  await expect(page.getByText('a link is on its way')).toBeVisible();
  const link = await linkTo(server.mailFolder, 'nila@demo.test', 'reset-password');
  await page.goto(link);
  await page.getByLabel('New password').fill('another password of some length');
  await page.getByRole('button', { name: 'Take it' }).click();
  await expect(connection(page)).toHaveText('Live');

  // It works once. Whoever follows it again has a way on.
  await page.goto(link);
  await page.getByLabel('New password').fill('one more password of some length');
  await page.getByRole('button', { name: 'Take it' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByRole('link', { name: 'ask for another link' }).click();
  await expect(connection(page)).toHaveText('Live');
  await context.close();
});
