import type { TraceMessage, TraceStep, Tracing } from './trace-channels.ts'
import { loadCrypto } from '../kit/builtins.ts'

type NameText = (name: string) => string
type Print = (line: string) => void

let isOn = false

/**
 * With `NODE_DEBUG=finchat-secrets` each operation prints a line with its steps, and never a value.
 * With `finchat-secrets-hashed` names are HMACs under a key of this process: equal names look equal
 * here, and nobody can try names.
 */
export function withDebugLog(channels: Tracing): Tracing {
  if (!isOn) start()
  return channels
}

function start(): void {
  const { debuglog } = process.getBuiltinModule('node:util')
  const [plain, hashed] = [debuglog('finchat-secrets'), debuglog('finchat-secrets-hashed')]
  if (!plain.enabled && !hashed.enabled) return
  isOn = true
  const log = hashed.enabled ? hashed : plain
  const nameText = hashed.enabled ? hashedName() : JSON.stringify
  for (const channel of ['get', 'write', 'refresh']) follow(channel, nameText, (line) => log('%s', line))
}

function hashedName(): NameText {
  const { createHmac, randomBytes } = loadCrypto()
  const key = randomBytes(32)
  return (name) => `#${createHmac('sha256', key).update(name).digest('hex').slice(0, 16)}`
}

/** The promise of an operation ends with `asyncEnd`, whatever comes of it. */
function follow(channel: string, nameText: NameText, print: Print): void {
  const { subscribe } = process.getBuiltinModule('node:diagnostics_channel')
  const messageOf = (message: unknown): TraceMessage => message as TraceMessage // nothing else is published there
  subscribe(`tracing:finchat.secrets.${channel}:asyncEnd`, (message) => print(lineOf(messageOf(message), nameText)))
}

function lineOf(message: TraceMessage, nameText: NameText): string {
  const { operation, name, code, from, stale, degraded, matched, durationMs = NaN, steps = [] } = message
  const outcome = code ?? (from === undefined ? 'ok' : `from ${from}`)
  const marks = [stale && 'stale', degraded && 'degraded', matched && `matched ${matched}`]
  const parts = [...steps.map(stepText), [outcome, ...marks.filter(Boolean)].join(', ')]
  return `${operation} ${nameText(name)}: ${parts.join('; ')} (${durationMs.toFixed(1)} ms)`
}

function stepText({ provider, code = 'ok', durationMs }: TraceStep): string {
  return `${provider} ${code} ${durationMs} ms`
}
