// Two engines, a venue for each, and a control process: real ones, on loopback, in a private folder.

import { execFile, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
/** Far longer than anything takes on a busy machine. */
export const PATIENCE = 60_000;
export const INSTRUMENTS = 200;
const ENGINES = ['alpha', 'beta'];
/** A model to begin with. */
export const MODEL = path.resolve(import.meta.dirname, '../../../docs/imbalance.toml');

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `ask` gives something that is true. */
export async function until(what, ask, patience = PATIENCE) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const value = await ask();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: does not come${last ? ` (${last.message})` : ''}`);
    await sleep(50);
  }
}

const freeTcp = () => new Promise((done) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const freeUdp = () => new Promise((done) => {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1', () => {
    const { port } = socket.address();
    socket.close(() => done(port));
  });
});

export class Rig {
  children = [];

  static async start({ nofx, control }) {
    const rig = new Rig();
    rig.nofx = nofx;
    rig.control = control;
    rig.dir = await mkdtemp(path.join(tmpdir(), 'nofx-console-'));
    try {
      await rig.files();
      for (const name of ENGINES) {
        await rig.startVenue(name);
        rig.startEngine(name);
      }
      await rig.startControl();
    } catch (error) {
      await rig.stop();
      throw error;
    }
    return rig;
  }

  at(name) {
    return path.join(this.dir, name);
  }

  async files() {
    const listen = await freeTcp();
    this.url = `https://localhost:${listen}`;
    await this.market('alpha', { instruments: INSTRUMENTS, rate: 3000, strategy: `name = "maker"\ntrade = "first:${INSTRUMENTS}"` });
    await this.market('beta', { instruments: 4, rate: 200, strategy: `name = "imbalance"\ntrade = "all"\n[strategy.imbalance]\nweights = "${MODEL}"\nmax_position_lots = 1000` });
    await run(this.control, ['pki', 'init', '--dir', this.at('pki')]);
    for (const [person, role] of [['alice', 'risk'], ['bob', 'risk'], ['vera', 'viewer'], ['ada', 'admin']]) {
      await run(this.control, ['pki', 'issue', '--dir', this.at('pki'), '--person', person, '--role', role, '--out', this.at(person)]);
    }
    await writeFile(this.at('control.toml'), `
[server]
listen = "127.0.0.1:${listen}"
certificate = "pki/server.crt"
key = "pki/server.key"
client_ca = "pki/ca.crt"
crl = "pki/crl.pem"
[[engine]]
name = "alpha"
mailbox = "alpha.mailbox"
journal = "alpha.journal"
[[engine]]
name = "beta"
mailbox = "beta.mailbox"
journal = "beta.journal"
[store]
path = "store.db"
[audit]
path = "audit.db"
key = "pki/audit.key"
checkpoint = "checkpoints"
[kill]
file = "kill-file"
[clock]
source = "none"
[telemetry]
log = "text"
`);
  }

  /** A venue of its own for one engine, and the engine's configuration. */
  async market(name, { instruments, rate, strategy }) {
    const [a, b, rerequest] = [await freeUdp(), await freeUdp(), await freeUdp()];
    const [glimpse, orders] = [await freeTcp(), await freeTcp()];
    await writeFile(this.at(`${name}.venue.toml`), `
[process]
idle = "sleep"
[market]
instruments = ${instruments}
[course]
pre_open_s = 1
continuous_s = 0
after_close_s = 0
[flow]
rate = ${rate}
resting = 30
[[lines]]
group = "127.0.0.1:${a}"
interface = "127.0.0.1"
[[lines]]
group = "127.0.0.1:${b}"
interface = "127.0.0.1"
[rerequest]
listen = "127.0.0.1:${rerequest}"
[glimpse]
listen = "127.0.0.1:${glimpse}"
[[firms]]
name = "NOFX"
listen = "127.0.0.1:${orders}"
username = "NOFX"
password = "NOFX"
silence_ns = 600_000_000_000
`);
    await writeFile(this.at(`${name}.toml`), `
[instruments]
capacity = 512
[book]
live_orders = 65536
[live]
mailbox = "${this.at(`${name}.mailbox`)}"
journal = "${this.at(`${name}.journal`)}"
journal_ring_mib = 16
views = ${instruments}
[network]
port = "udp"
lines = ["127.0.0.1:${a}@lo", "127.0.0.1:${b}@lo"]
orders = "127.0.0.1:${orders}"
[recovery]
servers = ["127.0.0.1:${rerequest}"]
snapshot = "127.0.0.1:${glimpse}"
[[tile]]
name = "trade"
stages = ["receive", "feed", "book", "signal", "risk", "order"]
idle = "sleep"
[[tile]]
name = "house"
stages = ["house"]
idle = "sleep"
[strategy]
${strategy}
`);
  }

  spawn(name, program, args, options = {}) {
    const child = spawn(program, args, { cwd: this.dir, stdio: ['pipe', 'pipe', 'pipe'], ...options });
    child.said = '';
    for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (text) => (child.said = (child.said + text).slice(-8_000)));
    child.ended = new Promise((done) => child.on('exit', (code, signal) => done(code ?? signal)));
    child.on('exit', () => (child.gone = true));
    child.what = name;
    this.children.push(child);
    return child;
  }

  async startVenue(name) {
    const venue = this.spawn(`venue of ${name}`, this.nofx, ['venue', '--config', `${name}.venue.toml`, '--ready-json']);
    await until('the venue', () => venue.said.includes('"ready":true'));
  }

  startEngine(name = 'alpha') {
    this[name] = this.spawn(name, this.nofx, ['run', '--config', `${name}.toml`, '--json']);
  }

  async startControl() {
    this.server = this.spawn('control', this.control, ['serve', '--config', 'control.toml']);
    const port = Number(new URL(this.url).port);
    await until('the control process', () => {
      if (this.server.gone) throw new Error(this.server.said);
      return new Promise((done) => {
        const socket = net.connect(port, '127.0.0.1', () => done(socket.end() && true)).on('error', () => done(false));
      });
    });
    for (const name of ENGINES) await until(name, async () => (await this.top(name)).engine?.state === 'trading');
  }

  /** `nofx top --json`; what a dead engine left is printed as well. */
  async top(name = 'alpha') {
    const said = await run(this.nofx, ['top', '--json', '--mailbox', this.at(`${name}.mailbox`), '--interval', '50'], { maxBuffer: 64 << 20 }).catch((error) => error);
    return parse(said.stdout);
  }

  async browser() {
    this.chromium = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
  }

  /** A browser of its own, with the certificate of a person or none. */
  async context(person, options = {}) {
    const certificate = person && { origin: this.url, certPath: this.at(`${person}.crt`), keyPath: this.at(`${person}.key`) };
    const context = await this.chromium.newContext({
      ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, ...(certificate ? { clientCertificates: [certificate] } : {}), ...options,
    });
    context.setDefaultTimeout(PATIENCE);
    return context;
  }

  async stop() {
    await this.chromium?.close();
    for (const child of this.children.reverse()) {
      if (!child.gone) child.kill('SIGKILL');
      await child.ended;
    }
    await rm(this.dir, { recursive: true, force: true });
  }

  said() {
    return this.children.map((child) => `--- ${child.what}\n${child.said}`).join('\n');
  }
}

/** JSON whose long numbers become strings: an oracle of its own, not the parser of the page. */
export function parse(text) {
  return JSON.parse(text.replace(/([:[,])(-?\d{16,})(?=[,}\]])/g, '$1"$2"'));
}

