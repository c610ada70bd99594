import assert from 'node:assert/strict'
import type { SecretProvider } from '@finchat/secrets-core'

/** A call that takes longer has hung: the defaults of most test runners end a test after 5 s. */
const callMs = 4_000
/** For `close`, whose own rules give it 5 s. */
const closeMs = 6_000
/** Once a call hung, others are given less time. */
const laterCallMs = 1_500

/** What the suite knows of the calls of one provider, over all tests. */
export interface CallWatch {
  /** Members that hung. Another call of one fails at once, so that the suite ends in seconds. */
  readonly hung: Set<string>
}

/** Whether the store is meant to hang now. */
export interface StoreState {
  isHung: boolean
}

/** Notes a call with its arguments, and returns the same promise. */
export type NoteCall = <T>(member: string, args: readonly unknown[], call: Promise<T>) => Promise<T>

const names = new WeakMap<Promise<unknown>, string>()

/** The member that made this promise, such as `staging.put`. */
export function memberOf(call: Promise<unknown>): string {
  return names.get(call) ?? 'the call'
}

/** Says in messages that this member made the promise. */
export function named<T>(member: string, call: Promise<T>): Promise<T> {
  names.set(call, member)
  return call
}

const calls = new Set(['get', 'getVersion', 'getMany', 'describe', 'put', 'tag', 'delete', 'restore', 'probe', 'checkHealth', 'close'])
const stagingCalls = new Set(['put', 'get', 'promote', 'discard'])

/** The same provider. Its promises are known by their member, and reject if they never settle. */
export function watchedCalls(provider: SecretProvider, watch: CallWatch, state: StoreState, note: NoteCall): SecretProvider {
  const call: Watch = (member, args, run) => named(member, note(member, args, settling(member, run, watch, state)))
  return viewOf(provider, (key, value) => {
    if (key === 'staging' && isObject(value)) return viewOf(value, watching(stagingCalls, 'staging.', call))
    if (key === 'list' && typeof value === 'function') return listing(value as List, call)
    return watching(calls, '', call)(key, value)
  })
}

type Method = (...args: readonly unknown[]) => unknown
type List = NonNullable<SecretProvider['list']>
type Watch = (member: string, args: readonly unknown[], run: () => unknown) => Promise<unknown>

const watching =
  (members: ReadonlySet<string>, prefix: string, call: Watch) =>
  (key: string, value: unknown): unknown => {
    if (!members.has(key) || typeof value !== 'function') return value
    return (...args: readonly unknown[]) => call(prefix + key, args, () => (value as Method)(...args))
  }

/** Over no object of its own, since a frozen member could not be replaced. */
function viewOf<T extends object>(target: T, change: (key: string, value: unknown) => unknown): T {
  const empty = {} as T // every member is read from `target`
  return new Proxy(empty, { get: (_empty, key) => change(String(key), Reflect.get(target, key)) })
}

function listing(list: List, call: Watch): List {
  return (prefix, context) => ({
    [Symbol.asyncIterator]: () => {
      const iterator = list(prefix, context)[Symbol.asyncIterator]()
      return {
        next: () => call('list', [prefix, context], () => iterator.next()) as ReturnType<typeof iterator.next>, // the list's own answer
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      }
    },
  })
}

/** Runs a step of a test, and fails if it hangs, or hung before. */
export async function settling(
  member: string,
  run: () => unknown,
  { hung }: CallWatch,
  state: StoreState = { isHung: false },
): Promise<unknown> {
  assert.ok(!hung.has(member), `${member} hung in another test`)
  const call = begun(member, run)
  if (state.isHung) return call
  let timer: ReturnType<typeof setTimeout> | undefined
  const ms = member === 'close' ? closeMs : hung.size === 0 ? callMs : laterCallMs
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      hung.add(member)
      reject(new assert.AssertionError({ message: `${member} did not settle in ${ms / 1_000} s` }))
    }, ms)
  })
  return Promise.race([call, late]).finally(() => clearTimeout(timer))
}

function begun(member: string, run: () => unknown): Promise<unknown> {
  const answer = started(member, run)
  assert.ok(isObject(answer) && 'then' in answer, `${member} returned ${shown(answer)}; it must return a promise`)
  return Promise.resolve(answer)
}

function started(member: string, run: () => unknown): unknown {
  try {
    return run()
  } catch {
    throw new assert.AssertionError({ message: `${member} threw; it must return a promise that rejects` })
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** An answer in words, without its value. */
export function shown(answer: unknown): string {
  if (answer === undefined || answer === null) return String(answer)
  if (Array.isArray(answer)) return `a list of ${answer.length}`
  if (typeof answer !== 'object') return `a ${typeof answer}`
  return 'value' in answer ? 'a secret' : 'an object'
}
