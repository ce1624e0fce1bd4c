// What the judges share: asking the server, serving broken copies to show that
// a judge can fail, and counting.
'use strict';
const http = require('node:http');

/** get asks for JSON and answers {status, headers, body}. */
async function get(address) {
  const answer = await fetch(address);
  const text = await answer.text();
  let body;
  try { body = JSON.parse(text); } catch { body = text; }
  return { status: answer.status, headers: answer.headers, body };
}

/** serve answers with what pages(path) gives, and 404 for what it does not. */
function serve(pages, type = 'application/json') {
  const server = http.createServer((req, res) => {
    const body = pages(req.url, `http://${req.headers.host}`);
    res.writeHead(body === undefined ? 404 : 200, { 'Content-Type': type, 'Cache-Control': 'public, max-age=8' });
    res.end(JSON.stringify(body));
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done({
    address: `http://127.0.0.1:${server.address().port}`, close: () => server.close(),
  })));
}

/** Tally counts what a judge said and ends the process with it. */
class Tally {
  constructor(name) { Object.assign(this, { name, passed: 0, failed: 0, warned: 0 }); }
  pass() { this.passed++; }
  warn(what) { this.warned++; this.warnings = (this.warnings || new Map()).set(what, ((this.warnings || new Map()).get(what) || 0) + 1); }
  fail(what) { this.failed++; if (this.failed <= 20) console.log(`  FAIL ${what}`); else if (this.failed === 21) console.log('  and more'); }
  /** mustFail says whether the judge saw that something is broken. */
  mustFail(saw, what) { if (saw) this.pass(); else this.fail(`the judge accepts ${what}`); }
  end() {
    for (const [what, n] of this.warnings || []) console.log(`  warning, ${n} x: ${what}`);
    console.log(`${this.failed ? 'FAIL' : 'ok  '}  ${this.name}: ${this.passed} passed, ${this.failed} failed, ${this.warned} warnings`);
    process.exit(this.failed ? 1 : 0);
  }
}

/** feed walks a feed to its end and gives every item. */
async function feed(address) {
  const items = [];
  for (let at = address; ;) {
    const { status, body } = await get(at);
    if (status !== 200) throw new Error(`${at} answered ${status}`);
    items.push(...body.items);
    if (body.items.length === 0 || body.next === at) return items;
    at = body.next;
  }
}

module.exports = { get, serve, feed, Tally };
