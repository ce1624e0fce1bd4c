// Holds calendars against iCalendar with parsers of others: ical.js here, and
// python3-icalendar on what is saved: node ical.js SERVER FOLDER.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const lib = require('ical.js');
const { get, Tally } = require('./common');

const ICAL = lib.default || lib;

const [server, folder] = process.argv.slice(2);

async function ask(method, at, body, token) {
  const answer = await fetch(server + at, {
    method, headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }, body: body && JSON.stringify(body),
  });
  return answer.json();
}

/** faults is what is wrong with a calendar, by ical.js and by RFC 5545. */
function faults(text) {
  const said = [];
  if (text.replace(/\r\n/g, '').match(/[\r\n]/)) said.push('a line that does not end in CRLF');
  for (const line of text.split('\r\n')) if (Buffer.byteLength(line) > 75) said.push(`a line of ${Buffer.byteLength(line)} octets`);
  let calendar;
  try { calendar = new ICAL.Component(ICAL.parse(text)); } catch (e) { return [...said, `ical.js: ${e.message}`]; }
  for (const name of ['version', 'prodid']) if (!calendar.getFirstPropertyValue(name)) said.push(`no ${name}`);
  const zones = calendar.getAllSubcomponents('vtimezone').map((z) => new ICAL.Timezone(z));
  const london = zones.find((z) => z.tzid === 'Europe/London');
  if (!london) return [...said, 'no VTIMEZONE of London'];
  // The hours around both changes of 2027, by the zone of the file itself.
  for (const [wall, hours] of [['2027-03-28T00:59:00', 0], ['2027-03-28T02:00:00', 1], ['2027-10-31T00:59:00', 1], ['2027-10-31T02:00:00', 0]]) {
    const offset = london.utcOffset(ICAL.Time.fromDateTimeString(wall)) / 3600;
    if (offset !== hours) said.push(`${wall} is ${offset} hours from UTC, not ${hours}`);
  }
  const seen = new Set();
  for (const event of calendar.getAllSubcomponents('vevent')) {
    for (const name of ['uid', 'dtstamp', 'dtstart', 'dtend', 'sequence', 'status', 'summary', 'last-modified']) {
      if (event.getAllProperties(name).length !== 1) said.push(`an event with ${event.getAllProperties(name).length} of ${name}`);
    }
    const uid = event.getFirstPropertyValue('uid');
    if (seen.has(uid)) said.push(`${uid} is there twice`);
    seen.add(uid);
    if (event.getFirstProperty('dtstart')?.getParameter('tzid') !== 'Europe/London') said.push('a start without its zone');
    if (new ICAL.Event(event).duration.toSeconds() <= 0) said.push('an end before its start');
  }
  return said;
}

async function main() {
  const tally = new Tally('iCalendar (ical.js)');
  const owner = (await ask('POST', '/v1/tokens', { subject: 'provider_owner.lakeside' })).access_token;
  const offers = (await get(`${server}/v1/offers?limit=20`)).body.items;
  const mine = offers.length && (await get(`${server}/v1/offers?q=structured+swimming`)).body.items.find((o) => o.provider_name === 'Lakeside Pool');
  const setting = (await get(`${server}/v1/offers/${mine.id}`)).body.setting.id;
  const family = (await ask('POST', '/v1/tokens', { subject: 'family.oakley' })).access_token;
  const links = [
    await ask('POST', '/v1/calendar-links', { kind: 'setting', setting_id: setting, name: 'Judge' }, owner),
    await ask('POST', '/v1/calendar-links', { kind: 'visits', name: 'Judge' }, owner),
    await ask('POST', '/v1/calendar-links', { kind: 'bookings', name: 'Judge' }, family),
  ];
  const addresses = [...links.map((l) => l.address), ...offers.map((o) => `${server}/v1/offers/${o.id}/calendar.ics`)];
  let events = 0, sample = '';
  for (const [n, address] of addresses.entries()) {
    const answer = await fetch(address);
    const text = await answer.text();
    const said = faults(text);
    if (answer.headers.get('content-type') !== 'text/calendar; charset=utf-8') said.push(`content type ${answer.headers.get('content-type')}`);
    if (said.length) tally.fail(`calendar ${n}: ${said.join('; ')}`); else tally.pass();
    events += text.split('BEGIN:VEVENT').length - 1;
    if (text.includes('BEGIN:VEVENT')) sample = text;
    fs.writeFileSync(path.join(folder, `${n}.ics`), text);
  }
  if (events < 20) tally.fail(`only ${events} events to judge`);
  // A judge that accepts anything proves nothing.
  tally.mustFail(faults(sample.replace(/\r\n/g, '\n')).length, 'lines without CR');
  tally.mustFail(faults(sample.replace(/UID:.*\r\n/, '')).length, 'an event without UID');
  tally.mustFail(faults(sample.replace('BYMONTH=10', 'BYMONTH=9')).length, 'a zone that is wrong in October');
  tally.mustFail(faults(sample.replace('END:VEVENT', '')).length, 'an event that does not end');
  fs.writeFileSync(path.join(folder, 'broken.ics'), sample.replace(/DTSTAMP:.*\r\n/, 'DTSTAMP:yesterday\r\n'));
  tally.end();
}
main().catch((e) => { console.error(e); process.exit(1); });
