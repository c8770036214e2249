// The loops of the engine: who runs where, how long turns take, what waits between them.

import { Chart } from '../chart';
import type { Context, View } from '../context';
import { h } from '../dom';
import { Facts } from '../facts';
import { int, isOld, percent, real, span } from '../format';
import { Table } from '../table';
import type { Frame, Link, Tile } from '../types';

export const tiles = (context: Context): View => {
  const table = new Table<Tile>({
    caption: 'Tiles', key: (row) => row.name,
    columns: [
      { name: 'name', head: 'tile', text: (row) => row.name },
      { name: 'core', head: 'core', number: true, text: (row) => (row.core === null ? 'any' : String(row.core)) },
      { name: 'idle', head: 'idle', text: (row) => row.idle ?? '–' },
      { name: 'heartbeat', head: 'last beat', number: true, text: (row) => span(row.heartbeat_age_ns), mood: (row) => (isOld(row.heartbeat_age_ns) ? 'bad' : '') },
      { name: 'turns', head: 'turns', number: true, text: (row) => int(row.turns) },
      { name: 'turns_per_s', head: 'turns/s', number: true, text: (row) => real(row.turns_per_s) },
      { name: 'busy_share', head: 'busy', number: true, text: (row) => percent(row.busy_share) },
      { name: 'stalls', head: 'stalls', tip: 'turns above the stall limit', number: true, text: (row) => int(row.stalls), mood: (row) => (row.stalls === 0 ? '' : 'warn') },
      { name: 'burst_max', head: 'burst', tip: 'largest burst', number: true, text: (row) => int(row.burst_max) },
      { name: 'commands', head: 'commands', number: true, text: (row) => int(row.commands) },
      { name: 'allocations', head: 'allocations', tip: 'after the seal', number: true, text: (row) => int(row.allocations), mood: (row) => (row.allocations === 0 ? '' : 'bad') },
    ],
  });
  const loops = new Table<Tile>({
    caption: 'Loop times, ns', key: (row) => row.name, empty: 'no tile that trades has been seen',
    columns: [
      { name: 'name', head: 'tile', text: (row) => row.name },
      { name: 'turn_ns.count', head: 'turns', number: true, text: (row) => int(row.turn_ns?.count) },
      { name: 'turn_ns.p50', head: 'p50', number: true, text: (row) => int(row.turn_ns?.p50) },
      { name: 'turn_ns.p99', head: 'p99', number: true, text: (row) => int(row.turn_ns?.p99) },
      { name: 'turn_ns.p999', head: 'p99.9', number: true, text: (row) => int(row.turn_ns?.p999) },
      { name: 'turn_ns.max', head: 'max', number: true, text: (row) => int(row.turn_ns?.max) },
      { name: 'turn_ns_max', head: 'longest turn', number: true, text: (row) => int(row.turn_ns_max) },
    ],
  });
  const links = new Table<Link>({
    caption: 'Links between tiles', key: (row) => row.name, empty: 'one tile does it all: no links',
    columns: [
      { name: 'name', head: 'link', text: (row) => row.name },
      { name: 'used', head: 'used', number: true, text: (row) => int(row.used) },
      { name: 'depth', head: 'depth', number: true, text: (row) => int(row.depth) },
      { name: 'high_water', head: 'most used', number: true, text: (row) => int(row.high_water) },
      { name: 'carried', head: 'carried', number: true, text: (row) => int(row.carried) },
      { name: 'overruns', head: 'lost', number: true, text: (row) => int(row.overruns), mood: (row) => (row.overruns === 0 ? '' : 'bad') },
      { name: 'stalls', head: 'waits', tip: 'times the producer waited', number: true, text: (row) => int(row.stalls) },
      { name: 'age', head: 'age', number: true, text: (row) => span(row.age_ns) },
    ],
  });
  const journal = new Facts<Frame>('Journal', [
    { name: 'journal.last', label: 'last record', text: (f) => int(f.journal.last) },
    { name: 'journal.waiting_bytes', label: 'bytes waiting for the disk', text: (f) => int(f.journal.waiting_bytes) },
    { name: 'journal.capacity_bytes', label: 'ring, bytes', text: (f) => int(f.journal.capacity_bytes) },
    { name: 'journal.refused', label: 'records without room', text: (f) => int(f.journal.refused), mood: (f) => (f.journal.refused === 0 ? '' : 'bad') },
  ]);
  const chart = new Chart('Turns of the loop over time, log scale', ['p50', 'p99', 'p99.9']);
  return {
    element: h('div', {}, table.element, loops.element, chart.element, links.element, journal.element),
    render() {
      const frame = context.stream.frame;
      if (frame === null) return;
      table.update(frame.tiles);
      loops.update(frame.tiles.filter((tile) => tile.turn_ns !== null));
      links.update(frame.links);
      journal.update(frame);
      chart.draw(context.history.of('tile.turn'));
    },
  };
};
