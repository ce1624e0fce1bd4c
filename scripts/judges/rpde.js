// Holds the feeds against RPDE 1.0 with OpenActive's own validator, which walks
// to the end by itself: node rpde.js SERVER.
'use strict';
const { RpdeValidator } = require('@openactive/rpde-validator');
const { feed, get, serve, Tally } = require('./common');

const [server] = process.argv.slice(2);
const options = { requestDelayMs: 0, timeoutMs: 5000, pageLimit: 50, logCallback() {} };

async function judged(address) {
  const result = await RpdeValidator(address, options);
  const said = { failures: [], warnings: [], pages: result.pages.length };
  for (const page of result.pages) {
    for (const e of page.errors || []) (e.severity === 'failure' ? said.failures : said.warnings).push(`${e.type}: ${e.message || ''}`.slice(0, 300));
  }
  return said;
}

/** pause takes one offer of the demo out, so that there is something deleted to judge. */
async function pause() {
  const post = async (at, body, head = {}) => (await fetch(server + at, {
    method: 'POST', headers: { 'Content-Type': 'application/json', ...head }, body: JSON.stringify(body),
  })).json();
  const token = (await post('/v1/tokens', { subject: 'provider_owner.lakeside' })).access_token;
  const { id } = (await get(`${server}/v1/offers?q=structured+swimming`)).body.items.find((o) => o.provider_name === 'Lakeside Pool');
  await post(`/v1/offers/${id}/pause`, {}, { Authorization: `Bearer ${token}` });
  for (let tries = 0; tries < 60; tries++) {
    if ((await feed(`${server}/openactive/session-series`)).some((i) => i.id === id && i.state === 'deleted')) return;
    await new Promise((r) => setTimeout(r, 500));
  }
  throw new Error('a paused offer is not told as deleted');
}

async function main() {
  await pause();
  const tally = new Tally('OpenActive RPDE 1.0 (@openactive/rpde-validator)');
  for (const name of ['session-series', 'scheduled-sessions']) {
    const address = `${server}/openactive/${name}`;
    const { items } = (await get(address)).body;
    if (items.length === 0) tally.fail(`${name} has no items to judge`);
    const said = await judged(address);
    console.log(`  ${name}: ${said.pages} pages asked for, the first with ${items.length} items`);
    said.failures.forEach((f) => tally.fail(`${name}: ${f}`));
    said.warnings.forEach((w) => tally.warn(w));
    if (said.failures.length === 0) tally.pass();
  }
  await broken(tally);
  tally.end();
}

/** broken shows the validator a damaged copy of our own feed: it never ends, an item is out of order, another has no state. */
async function broken(tally) {
  const page = (await get(`${server}/openactive/session-series`)).body;
  const copy = await serve((at, base) => {
    const items = structuredClone(page.items);
    items.reverse();
    delete items[0].state;
    return { next: `${base}/elsewhere`, items, license: 'none' };
  }, 'application/json');
  tally.mustFail((await judged(`${copy.address}/feed`)).failures.length > 0, 'a broken feed');
  copy.close();
}

main().catch((e) => { console.error(e); process.exit(1); });
