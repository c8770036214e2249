import { describe, expect, it } from 'vitest';
import { decimal, int, money, percent, readInt, real, signed, span, stamp, time } from '../src/format';
import { parse, quoteLong, stringify } from '../src/lossless';

/** A small generator with a seed that is printed when something fails. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state;
  };
}

const digits = (next: () => number, most: number): string => {
  const text = Array.from({ length: 1 + (next() % most) }, () => String(next() % 10)).join('').replace(/^0+(?=\d)/, '');
  return next() % 2 === 0 || text === '0' ? text : `-${text}`;
};

describe('whole numbers', () => {
  it('keeps every digit, at any size and scale', () => {
    const next = random(20261126);
    for (let i = 0; i < 5_000; i++) {
      const value = digits(next, 20);
      const decimals = next() % 10;
      const back = decimal(value, decimals).replaceAll(',', '').replace('−', '-');
      const [whole = '', part = ''] = back.split('.');
      expect(part.length, `${value} ${decimals}`).toBe(decimals);
      expect(BigInt(whole.replace('-', '') + part), `${value} ${decimals}`).toBe(BigInt(value.replace('-', '')));
      expect(BigInt(int(value).replaceAll(',', '').replace('−', '-'))).toBe(BigInt(value));
    }
  });

  it('groups and scales', () => {
    expect(int(1234567)).toBe('1,234,567');
    expect(int('-9223372036854775808')).toBe('−9,223,372,036,854,775,808');
    expect(decimal(649300, 4)).toBe('64.9300');
    expect(decimal(-5, 4)).toBe('−0.0005');
    expect(decimal('12345678901234567890', 2)).toBe('123,456,789,012,345,678.90');
    expect(money(123400)).toBe('+12.3400');
    expect(money(0)).toBe('0.0000');
    expect(signed(300)).toBe('+300');
    expect(int(null)).toBe('–');
  });

  it('reads what people type', () => {
    expect(readInt(' 1,000 ')).toBe(1000n);
    expect(readInt('-5')).toBe(-5n);
    expect(readInt('9_223_372_036_854_775_807')).toBe(9223372036854775807n);
    for (const bad of ['', '1.5', 'x', '1e3', '0x10', '--1']) expect(readInt(bad), bad).toBeUndefined();
  });
});

describe('spans and times', () => {
  it('writes ages for people', () => {
    expect([5, 1_240, 25_000_000, 3_100_000_000, 302e9, 3_720e9, 90_000e9].map((ns) => span(ns))).toEqual(['5 ns', '1.2 µs', '25 ms', '3.1 s', '5 m 02 s', '1 h 02 m', '1 d 01 h']);
  });

  it('writes UTC out of nanoseconds that no double holds', () => {
    expect(stamp('1795680690775025633')).toBe('2026-11-26 08:11:30.775');
    expect(time('1795680690775025633')).toBe('08:11:30.775');
    expect(stamp(0)).toBe('–');
  });

  it('writes measured numbers', () => {
    expect(real(8649.019)).toBe('8,649');
    expect(real(0.12345)).toBe('0.1235');
    expect(percent(0.0682)).toBe('6.8 %');
    expect(real(Number.NaN)).toBe('–');
  });
});

describe('JSON without lost digits', () => {
  it('keeps long numbers and leaves everything else alone', () => {
    const text = '{"a":1795680690775025633,"b":[-9223372036854775808,12,1.5e300],"c":"x:1234567890123456789,","d":"\\"9999999999999999999\\\\","e":12345678901234567.5}';
    expect(parse(text)).toEqual({ a: '1795680690775025633', b: ['-9223372036854775808', 12, 1.5e300], c: 'x:1234567890123456789,', d: '"9999999999999999999\\', e: 12345678901234567.5 });
    expect(quoteLong('{"a":[1,2]}')).toBe('{"a":[1,2]}');
  });

  it('agrees with JSON.parse wherever that loses nothing', () => {
    const next = random(7);
    for (let i = 0; i < 2_000; i++) {
      const value = { n: next() % 1e9, s: String.fromCharCode(...Array.from({ length: next() % 12 }, () => 32 + (next() % 90))) + '\\"', l: [next() / 3, -next(), true, null] };
      const text = JSON.stringify(value);
      expect(parse(text), `seed 7, ${text}`).toEqual(JSON.parse(text));
    }
  });

  it('sends whole numbers as they are', () => {
    expect(stringify({ a: 9223372036854775807n, b: ['x"', true, null, 1.5], c: undefined })).toBe('{"a":9223372036854775807,"b":["x\\"",true,null,1.5]}');
  });
});
