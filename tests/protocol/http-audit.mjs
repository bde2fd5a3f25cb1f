// Runs the audits of GraphQL over HTTP against a server: node http-audit.mjs URL
// One line of JSON for each audit; exits with 0 only when every one of them is met, the optional ones too.
import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
if (!url) {
  console.error('usage: node http-audit.mjs URL');
  process.exit(2);
}

const audits = serverAudits({ url, fetchFn: fetch });
let unmet = 0;
for (const { id, name, fn } of audits) {
  const result = await run(fn);
  if (result.status !== 'ok') unmet += 1;
  const [level] = name.split(' ', 1);
  console.log(JSON.stringify({ id, level, name, ...result }));
}
if (audits.length === 0 || unmet > 0) {
  console.error(`http-audit: ${unmet} of ${audits.length} audits are not met`);
  process.exitCode = 1;
} else {
  console.log(`http-audit: all ${audits.length} audits are met`);
}

/** An audit throws only when it cannot be made, say because nobody listens: that is no pass either. */
async function run(fn) {
  try {
    const { status, reason, response } = await fn();
    if (status === 'ok') return { status };
    const body = response.bodyUsed ? '' : await response.text();
    return { status, reason, answer: `${response.status} ${response.headers.get('content-type')} ${body}` };
  } catch (error) {
    return { status: 'fatal', reason: `${error} ${error.cause ?? ''}`.trim() };
  }
}
