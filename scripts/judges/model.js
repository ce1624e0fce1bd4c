// Holds what the feeds carry against Modelling Opportunity Data 2.0 with
// OpenActive's own validator: node model.js SERVER JUDGES WORK. The validator
// asks for lists on the web; it finds them in its cache, filled from JUDGES.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const crypto = require('node:crypto');
const { validate } = require('@openactive/data-model-validator');
const { get, feed, Tally } = require('./common');

const [server, judges, work] = process.argv.slice(2);

function fillCache() {
  for (const name of ['activity-list', 'accessibility-support']) {
    const url = `https://openactive.io/${name}`;
    const data = JSON.parse(fs.readFileSync(path.join(judges, 'openactive', `${name}.jsonld`)));
    const entry = { errorCode: 'error_none', statusCode: 200, contentType: 'application/ld+json', exception: null, url, fetchTime: Date.now(), data };
    fs.writeFileSync(path.join(work, `${crypto.createHash('sha256').update(url).digest('hex')}.json`), JSON.stringify(entry));
  }
}

function judged(data, validationMode = 'RPDEFeed') {
  return validate(data, { validationMode, loadRemoteJson: true, remoteJsonCachePath: work, remoteJsonCacheTimeToLive: 1e9 });
}

async function main() {
  fillCache();
  const tally = new Tally('OpenActive Modelling Opportunity Data 2.0 (@openactive/data-model-validator)');
  const judge = async (what, data, mode) => {
    let failed = false;
    for (const e of await judged(data, mode)) {
      // Whoever runs the service has a logo and a legal name; the program knows neither.
      if (/^\$\.publisher\.(logo|legalName)$/.test(e.path)) { tally.warn(`${e.type} at ${e.path}`); continue; }
      if (e.severity === 'failure') { failed = true; tally.fail(`${what}: ${e.type} at ${e.path}: ${e.message}`); }
      if (e.severity === 'warning') tally.warn(`${e.type} at ${e.path}`);
    }
    if (!failed) tally.pass();
  };
  let sample;
  for (const name of ['session-series', 'scheduled-sessions']) {
    const there = (await feed(`${server}/openactive/${name}`)).filter((i) => i.state === 'updated');
    // Every series, and sessions up to a number that is judged in a few seconds.
    for (const item of there.slice(0, 600)) await judge(`${name} ${item.id}`, item.data);
    console.log(`  ${name}: ${Math.min(600, there.length)} of ${there.length} items judged`);
    sample = sample || there[0].data;
  }
  await judge('the dataset', (await get(`${server}/openactive`)).body, 'DatasetSite');
  const damages = {
    'a series without an activity': { ...sample, activity: undefined },
    'a series with an activity of its own': { ...sample, activity: [{ ...sample.activity[0], '@id': 'https://openactive.io/activity-list#none', prefLabel: 'Nothing' }] },
    'a series without a name': { ...sample, name: undefined },
    'a series somewhere': { ...sample, location: { '@type': 'Place' } },
  };
  for (const [what, data] of Object.entries(damages)) {
    tally.mustFail((await judged(JSON.parse(JSON.stringify(data)))).some((e) => e.severity === 'failure'), what);
  }
  tally.end();
}

main().catch((e) => { console.error(e); process.exit(1); });
