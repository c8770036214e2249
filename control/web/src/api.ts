// Calls of the API: errors are problem documents, changes carry an idempotency key.

import { parse, stringify } from './lossless';
import type { Problem } from './types';

/** An answer that says no, or none at all (`unknown`: it may have happened). */
export class Failed extends Error {
  constructor(readonly problem: Problem, readonly unknown: boolean) {
    super(problem.detail || problem.title);
  }
}

const silent = (detail: string): Problem => ({
  type: 'urn:nofx:problem:no_answer', title: 'No answer from the control process', status: 0, code: 'no_answer', detail,
  todo: 'The outcome is unknown. Look at the state before you try again.', errors: [], correlation: '',
});

/** The path below `/api/v1` with its query; undefined and empty parameters are left out. */
export function path(parts: readonly (string | number)[], query: Record<string, string | number | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== '') search.set(key, String(value));
  const text = search.toString();
  return `/api/v1/${parts.map((part) => encodeURIComponent(part)).join('/')}${text === '' ? '' : `?${text}`}`;
}

const TIMEOUT_MS = 15_000;

async function call<T>(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init: RequestInit = { method, headers: { accept: 'application/json', ...headers }, signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (body !== undefined) {
    init.body = stringify(body);
    init.headers = { ...init.headers, 'content-type': 'application/json' };
  }
  let status: number;
  let text: string;
  let ok: boolean;
  try {
    const answer = await fetch(url, init);
    [status, ok, text] = [answer.status, answer.ok, await answer.text()];
  } catch (error) {
    throw new Failed(silent(error instanceof Error ? error.message : String(error)), method !== 'GET');
  }
  let value: unknown = null;
  try {
    value = text === '' ? null : parse(text);
  } catch {
    value = null;
  }
  if (ok) return value as T;
  const said = (value ?? {}) as Partial<Problem>;
  const title = said.title ?? `HTTP ${status}`;
  // Late or broken off: it may have happened all the same.
  const unknown = method !== 'GET' && (status === 504 || said.code === 'outcome_unknown');
  throw new Failed({ ...silent(text.slice(0, 200)), todo: '', code: `http_${status}`, ...said, title, status, errors: said.errors ?? [] }, unknown);
}

export const get = <T>(url: string): Promise<T> => call<T>('GET', url);

/** A key of its own for each change that a person confirmed: sent twice it happens once. */
export const newKey = (): string => crypto.randomUUID();

/** A change. `version` goes into If-Match. */
export function change<T>(method: 'POST' | 'PATCH' | 'DELETE', url: string, body: unknown, options: { key?: string; version?: string | undefined } = {}): Promise<T> {
  const headers: Record<string, string> = { 'idempotency-key': options.key ?? newKey() };
  if (options.version !== undefined) headers['if-match'] = options.version;
  return call<T>(method, url, body, headers);
}
