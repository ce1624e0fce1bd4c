// Holds the directory against the Open Referral UK 3.0 profile, through prism:
// node oruk.js SERVER JUDGES. It asks what the official validator's plan asks:
// the root; each list at its first, middle and last page; up to ten ids of each.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const net = require('node:net');
const { spawn } = require('node:child_process');
const { get, serve, Tally } = require('./common');

const [server, judges] = process.argv.slice(2);
const profile = path.join(judges, 'oruk/schema/openapi.local.json');
const prismProgram = path.join(path.dirname(require.resolve('@stoplight/prism-cli/package.json')), 'dist/index.js');
const lists = ['services', 'service_at_locations', 'taxonomies', 'taxonomy_terms'];
const children = [];
process.on('exit', () => children.forEach((c) => c.kill()));

function freePort() {
  return new Promise((done) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
  });
}

/** prism stands before an address and answers 500 to what breaks the profile. */
async function prism(upstream) {
  const port = await freePort();
  const child = spawn(process.execPath, [prismProgram, 'proxy', profile, upstream, '-p', String(port), '--errors'], { stdio: 'ignore' });
  children.push(child);
  for (let tries = 0; tries < 300; tries++) {
    try { await fetch(`http://127.0.0.1:${port}/`); return `http://127.0.0.1:${port}`; } catch { await new Promise((r) => setTimeout(r, 200)); }
  }
  throw new Error('prism does not start');
}

async function main() {
  const tally = new Tally('Open Referral UK 3.0 (prism)');
  const judge = await prism(`${server}/oruk/v3`);
  const ask = async (at) => {
    const { status, body } = await get(judge + at);
    if (status === 200) tally.pass(); else tally.fail(`${at}: ${status} ${JSON.stringify(body).slice(0, 600)}`);
    return body;
  };
  await ask('/');
  for (const list of lists) {
    const first = await ask(`/${list}?page=1&per_page=10`);
    if (first.empty) tally.warn(`/${list} is empty`);
    const pages = first.total_pages || 1;
    for (const page of new Set([Math.ceil(pages / 2), pages])) if (page > 1) await ask(`/${list}?page=${page}&per_page=10`);
    await ask(`/${list}`);
    for (const entry of (first.contents || []).slice(0, 10)) await ask(`/${list}/${entry.id}`);
  }
  await broken(tally);
  tally.end();
}

/** broken shows prism a damaged copy of our own service, and the official answers that must fail. */
async function broken(tally) {
  const list = (await get(`${server}/oruk/v3/services?per_page=1`)).body;
  const ours = (await get(`${server}/oruk/v3/services/${list.contents[0].id}`)).body;
  const fail = (name) => JSON.parse(fs.readFileSync(path.join(judges, 'oruk/mocks/V3.0-UK-Fail', `${name}.json`)));
  const pages = {
    '/services/no-name': { ...ours, name: undefined },
    '/services/bad-status': { ...ours, status: 'open' },
    '/services/bad-amount': { ...ours, cost_options: [{ id: ours.id, amount: '12.00' }] },
    '/services/bad-daily': { ...ours, schedules: [{ id: ours.id, freq: 'DAILY' }] },
    '/services/official': fail('service_full'),
    '/services': fail('service_list'),
  };
  const copy = await serve((at) => pages[at]);
  const judge = await prism(copy.address);
  for (const at of Object.keys(pages)) tally.mustFail((await get(judge + at)).status === 500, `a broken ${at}`);
  copy.close();
}

main().catch((e) => { console.error(e); process.exit(1); });
