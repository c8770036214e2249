// Everything at one glance: engines, alarms, and the few numbers that say whether all is well.

import { alarmsOf } from '../alarms';
import type { Context, View } from '../context';
import { h } from '../dom';
import { Facts } from '../facts';
import { int, isOld, money, span, time } from '../format';
import type { Int } from '../lossless';
import { write } from '../router';
import { Table } from '../table';
import type { EngineRow, Frame } from '../types';

export const overview = (context: Context): View => {
  const alarms = new Table<{ key: string; text: string; bad: boolean }>({
    caption: 'Alarms', key: (row) => row.key, empty: 'no alarms',
    columns: [{ name: 'alarm', head: 'what', text: (row) => `${row.bad ? '▲' : '△'} ${row.text}`, mood: (row) => (row.bad ? 'bad' : 'warn') }],
  });
  const engines = new Table<EngineRow>({
    caption: 'Engines', key: (row) => row.name, empty: 'no engine is configured',
    columns: [
      { name: 'name', head: 'engine', text: (row) => row.name, control: (row) => h('a', { href: write({ engine: row().name, view: 'overview', argument: '' }) }, row().name) },
      { name: 'link', head: 'link', tip: 'how control sees it', text: (row) => row.standing, mood: (row) => (row.standing === 'live' ? 'good' : 'bad') },
      { name: 'detail', head: 'state', text: (row) => row.detail },
      { name: 'kill', head: 'kill', text: (row) => (row.kill.length > 0 ? `■ ${row.kill.join(', ')}` : 'off'), mood: (row) => (row.kill.length > 0 ? 'bad' : '') },
      { name: 'seen', head: 'seen, UTC', text: (row) => time(row.at_ns) },
      { name: 'attached', head: 'runs', tip: 'mailboxes attached since control started: rises when the engine is started again', number: true, text: (row) => int(row.attached) },
    ],
  });
  const engine = new Facts<Frame>('Engine', [
    { name: 'state', label: 'state', text: (f) => f.engine.state, mood: (f) => (f.engine.state === 'trading' ? 'good' : 'warn') },
    { name: 'uptime', label: 'up for', text: (f) => span(f.engine.uptime_ns) },
    { name: 'heartbeat', label: 'last beat', text: (f) => span(f.engine.heartbeat_age_ns), mood: (f) => (isOld(f.engine.heartbeat_age_ns) ? 'bad' : '') },
    { name: 'engine', label: 'program', text: (f) => f.engine.name },
    { name: 'pid', label: 'process', text: (f) => String(f.engine.pid) },
    { name: 'epoch', label: 'fencing epoch', text: (f) => int(f.engine.epoch) },
    { name: 'halted', label: 'new orders', text: (f) => (f.halted === true ? 'held' : f.kill.length > 0 ? 'killed' : 'pass'), mood: (f) => (f.halted === true || f.kill.length > 0 ? 'bad' : 'good') },
  ]);
  const trading = new Facts<Frame>('Trading', [
    { name: 'orders.total', label: 'working orders', text: (f) => int(f.orders.total) },
    { name: 'sent', label: 'messages sent', text: (f) => int(sum(f, 'sent')) },
    { name: 'fills', label: 'fills', text: (f) => int(sum(f, 'fills')) },
    { name: 'realised', label: 'realised', text: (f) => money(f.positions.realised_e4), mood: (f) => tone(f.positions.realised_e4) },
    { name: 'open', label: 'open', text: (f) => money(f.positions.open_e4), mood: (f) => tone(f.positions.open_e4) },
    { name: 'rejects', label: 'refused by rules', text: (f) => int(String(Object.values(f.rejects).reduce((all, n) => all + BigInt(n), 0n))) },
    { name: 'journal', label: 'journal record', text: (f) => int(f.journal.last) },
  ]);
  const speed = new Table<Frame['latency_ns'][number]>({
    caption: 'Latency, ns', key: (row) => row.name, empty: 'nothing measured yet',
    columns: [
      { name: 'stage', head: 'stage', text: (row) => row.name },
      { name: 'recent.p50', head: 'p50', number: true, text: (row) => int(row.recent?.p50) },
      { name: 'recent.p99', head: 'p99', number: true, text: (row) => int(row.recent?.p99) },
      { name: 'all.p999', head: 'p99.9 since start', number: true, text: (row) => int(row.all.p999) },
    ],
  });
  return {
    element: h('div', { class: 'grid' }, alarms.element, engines.element, engine.element, trading.element, speed.element),
    render() {
      const { stream } = context;
      alarms.update(alarmsOf(stream.frame, stream.pulse(), stream.age(), stream.gone));
      engines.update(context.engines());
      if (stream.frame === null) return;
      engine.update(stream.frame);
      trading.update(stream.frame);
      speed.update(stream.frame.latency_ns);
    },
  };
};

const sum = (frame: Frame, name: 'sent' | 'fills'): string => String(frame.sessions.reduce((all, session) => all + BigInt(session[name]), 0n));
const tone = (value: Int): string => (String(value).startsWith('-') ? 'bad' : '');
